#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/plan_copy.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

Verdict is_new(const Caller& caller, std::string_view space) {
  if (!caller.organization.spaces.contains(space)) return {};
  return reject(RejectionCode::already_exists,
                "space " + in_quotes(space) + " exists; choose another id",
                rule_of(caller, "ids are never reused"));
}

Verdict changes_name(const SpaceCaller& caller, std::string_view name) {
  if (caller.space->name != name) return {};
  return reject(RejectionCode::nothing_to_do, "that is its name already",
                rule_of(caller, "a change changes something"));
}

Verdict is_confirmed(const SpaceCaller& caller, bool confirm) {
  if (confirm) return {};
  return reject(RejectionCode::confirmation_required,
                "this deletes the space and all in it; send confirm: true to do so",
                rule_of(caller, "deleting needs confirmation"));
}

Verdict archives(const SpaceCaller& caller) {
  if (caller.space->status != SpaceStatus::kArchived) return {};
  return reject(RejectionCode::nothing_to_do, "the space is archived already",
                rule_of(caller, "a change changes something"));
}

Verdict holds_to_restore(const SpaceCaller& caller) {
  if (caller.in_space.has(Action::kSpaceDelete)) return {};
  return holds_in_space(caller, Action::kSpaceArchive);
}

// In the archive, or deleted not too long ago.
Verdict can_be_restored(const SpaceCaller& caller, Time now) {
  if (caller.space == nullptr || (caller.space->status == SpaceStatus::kDeleted &&
                                  now >= caller.space->deleted + kRestorable)) {
    return reject(RejectionCode::not_found,
                  "there is no space " + in_quotes(caller.space_id) +
                      " to restore; a deleted one can be brought back for 30 days",
                  rule_of(caller, "target exists"));
  }
  if (caller.space->status != SpaceStatus::kActive) return {};
  return reject(RejectionCode::nothing_to_do, "the space is neither archived nor deleted",
                rule_of(caller, "a change changes something"));
}

Verdict valid_payment_method(const schema::CreateSpace& command) {
  if (command.payment_token() == nullptr && command.payment_label() == nullptr) return {};
  TRY(valid_name("payment_token", command.payment_token()));
  return valid_name("payment_label", command.payment_label());
}

// An organization that did not pay an invoice for all of it gets no paid plan before it does.
Verdict owes_nothing(const Caller& caller) {
  if (dunning_of(caller.organization, {}) < DunningStep::kSuspended) return {};
  return reject(RejectionCode::suspended,
                "an invoice of the organization is not paid; pay it before you choose a paid plan",
                rule_of(caller, "dunning: no paid plan to whoever does not pay"));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CreateSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_name("name", command.name()));
  TRY(valid_payment_method(command));
  const schema::Plan* wanted = nullptr;
  if (command.plan() != nullptr) wanted = TRY(known_plan(in.context.catalog, text(command.plan())));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kSpaceCreate));
  if (wanted != nullptr && is_paid(*wanted)) TRY(holds(caller, Action::kPlanChange));
  if (command.payment_token() != nullptr) TRY(holds(caller, Action::kBillingManage));
  const schema::Plan* first = TRY(default_plan(caller, in.context.catalog));
  if (wanted == nullptr) wanted = first;
  TRY(is_new(caller, text(command.space())));
  TRY(is_sold_to(caller, in.context.catalog, *wanted));
  if (is_paid(*wanted)) {
    TRY(owes_nothing(caller));
    TRY(has_payment_method(caller, text(command.payment_token())));
  }

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto name = builder.CreateString(command.name());
  const auto plan = builder.CreateString(wanted->name());
  const auto terms = copy_plan(builder, is_paid(*wanted) ? *first : *wanted);
  events.add(schema::CreateSpaceCreated(builder, space, name, plan, terms));
  if (caller.rulebook.creator_space_role != kNoRole && caller.member != nullptr) {
    const auto creator = builder.CreateString(in.envelope.actor());
    RoleSet level;
    level.set(caller.rulebook.creator_space_role);
    events.add(schema::CreateAccessGranted(builder, space, creator,
                                           space_role_texts(builder, caller.rulebook, level)));
  }
  if (command.payment_token() != nullptr) {
    const auto token = builder.CreateString(command.payment_token());
    events.add(schema::CreatePaymentMethodSet(builder, space, token,
                                              builder.CreateString(command.payment_label())));
  }
  if (is_paid(*wanted)) {
    start_or_request(in, text(command.space()), text(first->name()), *wanted, events);
  }
  return {};
}

Verdict decide(const Incoming& in, const schema::RenameSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_name("name", command.name()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kSpaceRename));
  TRY(exists(caller));
  TRY(changes_name(caller, text(command.name())));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  events.add(schema::CreateSpaceRenamed(builder, space, builder.CreateString(command.name())));
  return {};
}

Verdict decide(const Incoming& in, const schema::ArchiveSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kSpaceArchive));
  TRY(exists(caller));
  TRY(archives(caller));

  auto& builder = events.builder();
  events.add(schema::CreateSpaceArchived(builder, builder.CreateString(command.space())));
  return {};
}

Verdict decide(const Incoming& in, const schema::DeleteSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kSpaceDelete));
  TRY(exists(caller));
  TRY(is_confirmed(caller, command.confirm()));
  const schema::Plan* after = TRY(default_plan(caller, in.context.catalog));

  auto& builder = events.builder();
  events.add(schema::CreateSpaceDeleted(builder, builder.CreateString(command.space()), true));
  end_plan(in, caller.space_id, *caller.space, *after, events);
  revoke_invitations(
      caller.organization, [&](const Invitation& held) { return held.space == caller.space_id; },
      events);
  return {};
}

Verdict decide(const Incoming& in, const schema::RestoreSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_to_restore(caller));
  TRY(can_be_restored(caller, in.context.now));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  events.add(schema::CreateSpaceRestored(builder, space, command.confirm()));
  return {};
}

}  // namespace tenure
