// Laws that hold over any history. Each property runs random commands of a random seed; RapidCheck
// prints what reproduces a failure.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/domain/access.h"
#include "tests/domain/laws.h"
#include "tests/domain/random_commands.h"

namespace tenure {
namespace {

constexpr Time kStart = from_micros(1'790'000'000'000'000);
constexpr int kCommands = 400;  // in each history
const RandomCommandOptions kOptions{.organizations = 2, .users = 10};

uint64_t commands_run = 0;

class CountAtEnd : public testing::Environment {
  void TearDown() override { std::cout << commands_run << " random commands held the laws\n"; }
};
const auto* const kCount = testing::AddGlobalTestEnvironment(new CountAtEnd);

// Runs a history; `step` sees the state before, the command, its decision and the state after.
// `before` is null where the organization was not there.
template <class Step>
void run_history(uint64_t seed, Step&& step) {
  RandomCommands commands(seed, kOptions);
  DomainMachine machine;
  for (int i = 0; i < kCommands; ++i, ++commands_run) {
    const Time now = kStart + std::chrono::minutes(20 * i);
    const std::vector<uint8_t> command = commands.next(now);
    const auto* found = machine.find(envelope_of(command).org()->string_view());
    const std::optional<Organization> before =
        found == nullptr ? std::nullopt : std::optional<Organization>(*found);
    const schema::Decision& decision = machine.apply(command, now);
    step(before ? &*before : nullptr, command, decision, machine, now);
  }
}

std::string user_id(size_t user) { return std::string("u").append(std::to_string(user)); }

bool accepted(const schema::Decision& decision) {
  return decision.outcome() == schema::Outcome::accepted;
}

RC_GTEST_PROP(History, AnOrganizationIsNeverWithoutAnOwner, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(),
              [](const Organization*, const auto& command, const schema::Decision&,
                 const DomainMachine& machine, Time) {
                const Organization* after = machine.find(envelope_of(command).org()->string_view());
                if (after == nullptr || after->id == kServicesOrganization) return;
                const auto [active, suspended] = owners_of(*after);
                RC_ASSERT(active >= 1u);
                RC_ASSERT(active == after->owners);
                RC_ASSERT(!after->rulebook->single_owner || active + suspended == 1u);
              });
}

// What `user` may do anywhere, after, must be within what they could before and what the actor
// could in the same place.
void check_no_escalation(const Organization& before, const Organization& after,
                         std::string_view actor, std::string_view user) {
  ActionSet allowed = organization_actions(before, actor);
  allowed |= organization_actions(before, user);
  RC_ASSERT(allowed.contains(organization_actions(after, user)));
  for (const auto& [id, space] : before.spaces) {
    ActionSet allowed_there = space_actions(before, space, actor);
    allowed_there |= space_actions(before, space, user);
    RC_ASSERT(allowed_there.contains(space_actions(after, after.spaces.at(id), user)));
  }
}

// What is taken away for a time and given back is not gained: nobody suspended, nothing deleted.
Organization with_all_given_back(Organization organization) {
  organization.deleted.reset();
  for (auto& [user, member] : organization.members) member.suspended = false;
  for (auto& [id, space] : organization.spaces) space.status = SpaceStatus::kActive;
  return organization;
}

// Where all rules change, by an owner's command, what a role gives changes with them.
bool changes_the_rules(const schema::CommandEnvelope& command) {
  return command.command_type() == schema::Command::AdoptRulebook ||
         command.command_type() == schema::Command::RecoverOwnership;
}

RC_GTEST_PROP(History, NobodyGainsAnActionThatItsGiverLacked, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(), [](const Organization* before, const auto& command,
                                                  const schema::Decision& decision,
                                                  const DomainMachine& machine, Time) {
    if (before == nullptr || !accepted(decision)) return;
    if (changes_the_rules(envelope_of(command))) return;
    const Organization held = with_all_given_back(*before);
    const std::string_view actor = envelope_of(command).actor()->string_view();
    const Organization& after = *machine.find(before->id.str());
    for (size_t user = 0; user < kOptions.users; ++user) {
      check_no_escalation(held, after, actor.substr(actor.find(':') + 1), user_id(user));
    }
  });
}

RC_GTEST_PROP(History, ARefusalChangesNothingAndARetryNeither, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(), [](const Organization* before, const auto& command,
                                                  const schema::Decision& decision,
                                                  const DomainMachine& machine, Time now) {
    const Organization* after = machine.find(envelope_of(command).org()->string_view());
    if (!accepted(decision)) {
      const bool due_ran = before != nullptr && after->version != before->version;
      RC_ASSERT(due_ran || (before == nullptr ? after == nullptr : *before == *after));
      return;
    }
    const std::vector<uint8_t> again = machine.decide_only(command, now);
    RC_ASSERT(again == machine.decide_only(command, now));  // the same arguments, the same bytes
    if (!accepted(decision_of(again))) return;
    const schema::Command type = envelope_of(command).command_type();
    // Whoever uses or pays twice does so; a retry is known by its id.
    if (type == schema::Command::UseCredits || type == schema::Command::RecordPayment ||
        type == schema::Command::FailInvoicePayment || type == schema::Command::IssueCreditNote) {
      return;
    }
    // Only usage too old to count may be recorded again, and counts no more than before; what is
    // for display alone may be said again; and somebody erased again, who may have a key again.
    Organization retried = *after;
    evolve(retried, decision_of(again), {}, test_rulebooks());
    --retried.version;
    RC_ASSERT(type == schema::Command::RecordUsage || type == schema::Command::UpdateMember ||
              type == schema::Command::SetBillingDetails || type == schema::Command::EraseSubject);
    RC_ASSERT(retried == *after);
  });
}

RC_GTEST_PROP(History, RemovedOrErasedMeansDeniedEverywhere, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(), [](const Organization*, const auto& command,
                                                  const schema::Decision& decision,
                                                  const DomainMachine& machine, Time) {
    if (!accepted(decision) || decision.events() == nullptr) return;
    const Organization& after = *machine.find(envelope_of(command).org()->string_view());
    for (const schema::EventBox* box : *decision.events()) {
      const schema::MemberRemoved* removed = box->event_as_MemberRemoved();
      const schema::SubjectErased* erased = box->event_as_SubjectErased();
      if (removed == nullptr && erased == nullptr) continue;
      const std::string_view user =
          removed != nullptr ? removed->user()->string_view() : erased->user()->string_view();
      RC_ASSERT(organization_actions(after, user) == ActionSet{});
      RC_ASSERT(!after.groups_of.contains(user));
      for (const auto& [id, space] : after.spaces) {
        RC_ASSERT(!space.access.contains("user:" + std::string(user)));
        RC_ASSERT(space_actions(after, space, user) == ActionSet{});
        RC_ASSERT(!sees_space(after, space, user));
      }
      for (const auto& [id, group] : after.groups) RC_ASSERT(!group.users.contains(user));
      RC_ASSERT(!after.members.contains(user));
      for (const auto& [id, held] : after.invitations) {
        RC_ASSERT(held.expired || held.user != user);
      }
    }
  });
}

RC_GTEST_PROP(History, HardLimitsHold, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(), [](const Organization*, const auto& command,
                                                  const schema::Decision&,
                                                  const DomainMachine& machine, Time) {
    const Organization* after = machine.find(envelope_of(command).org()->string_view());
    if (after == nullptr) return;
    for (const auto& [id, space] : after->spaces) {
      for (const schema::MeterTerms* meter : *space.subscription.terms.get().meters()) {
        if (!meter->limit() || meter->tiers() != nullptr) continue;
        if (meter->kind() == schema::MeterKind::gauge) {
          RC_ASSERT(meter->meter()->string_view() != "resources" ||
                    space.resource_count <= *meter->limit());
          continue;
        }
        for (const auto& [key, counter] : space.counters) {
          RC_ASSERT(key.second != meter->meter()->string_view() || counter.used <= *meter->limit());
        }
      }
    }
  });
}

RC_GTEST_PROP(History, ReplayGivesTheLiveStateAndSoDoesWhatIsDerived, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  RandomCommands commands(seed, kOptions);
  DomainMachine machine;
  for (int i = 0; i < kCommands; ++i, ++commands_run) {
    const Time now = kStart + std::chrono::minutes(20 * i);
    machine.apply(commands.next(now), now);
  }
  auto organizations = replayed(machine);
  RC_ASSERT(organizations.has_value());
  RC_ASSERT(*organizations == machine.organizations());
  for (auto& [id, organization] : *organizations) derive(organization);
  RC_ASSERT(*organizations == machine.organizations());
}

}  // namespace
}  // namespace tenure
