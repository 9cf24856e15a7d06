#include <algorithm>

#include "engine/domain/text.h"
#include "projections/explain/command_needs.h"
#include "projections/explain/explanation.h"
#include "projections/queries/as_of.h"
#include "projections/queries/log_decision.h"
#include "projections/queries/query_support.h"

namespace tenure {
namespace {

using schema::RejectionCode;

// What a refusal advises itself: messages end with it.
Way advice_of(const schema::Rejection& rejection) {
  const std::string message = rejection.message()->str();
  const size_t at = message.rfind("; ");
  return {at == std::string::npos ? message : message.substr(at + 2), {}};
}

// Whom and what a command is about that its actor's authority must reach.
struct Reach {
  const flatbuffers::String* role = nullptr;    // given
  const flatbuffers::String* target = nullptr;  // the user changed
  const flatbuffers::String* space = nullptr;
  const Texts* space_roles = nullptr;            // given in the space
  const flatbuffers::String* subject = nullptr;  // whose access in it is changed
};

Reach reach_of(const schema::CommandEnvelope& envelope) {
  if (const auto* add = envelope.command_as_AddMember()) {
    return {.role = add->role(), .space = add->space(), .space_roles = add->space_roles()};
  }
  if (const auto* change = envelope.command_as_ChangeRole()) {
    return {.role = change->role(), .target = change->user()};
  }
  if (const auto* remove = envelope.command_as_RemoveMember()) return {.target = remove->user()};
  if (const auto* update = envelope.command_as_UpdateMember()) return {.target = update->user()};
  if (const auto* suspend = envelope.command_as_SuspendMember()) {
    return {.target = suspend->user()};
  }
  if (const auto* back = envelope.command_as_ReinstateMember()) return {.target = back->user()};
  if (const auto* invite = envelope.command_as_InviteMember()) {
    return {.role = invite->role(), .space = invite->space(), .space_roles = invite->space_roles()};
  }
  if (const auto* grant = envelope.command_as_GrantAccess()) {
    return {.space = grant->space(), .space_roles = grant->roles()};
  }
  if (const auto* change = envelope.command_as_ChangeAccess()) {
    return {.space = change->space(), .space_roles = change->roles(), .subject = change->subject()};
  }
  if (const auto* revoke = envelope.command_as_RevokeAccess()) {
    return {.space = revoke->space(), .subject = revoke->subject()};
  }
  return {};
}

// The state just before a decision, which tells of the authority behind it.
class Before {
 public:
  // `told`: false leaves it unread, as for somebody who does not belong.
  static Result<std::unique_ptr<Before>> open(const QueryContext& context,
                                              const ExplainSources& sources,
                                              const schema::Decision& decision, bool told,
                                              const std::stop_token& stop) {
    auto before = std::make_unique<Before>();
    const bool accepted = decision.outcome() == schema::Outcome::accepted;
    const uint64_t version = decision.version() - (accepted ? 1 : 0);
    const std::string_view org = text(decision.command_nested_root()->org());
    if (version == 0 || !told) return before;
    before->past_ =
        TRY(as_of(context.rows, sources.log, sources.partition, org, Moment(version), stop));
    const QueryContext past{.rows = *before->past_->rows,
                            .rulebooks = context.rulebooks,
                            .viewer = context.viewer,
                            .now = from_micros(decision.time()),
                            .live_rows = &context.rows,
                            .compiled = context.compiled};
    before->organization_ = TRY(OrganizationRows::find(past, past.rows, org));
    return before;
  }
  OrganizationRows* organization() { return organization_ ? &*organization_ : nullptr; }

 private:
  std::optional<PastOrganization> past_;
  std::optional<OrganizationRows> organization_;
};

// What is told of a decision beside itself.
class Telling {
 public:
  Telling(const schema::Decision& decision, OrganizationRows* before, bool hide_unseen)
      : decision_(decision),
        envelope_(*decision.command_nested_root()),
        before_(before),
        hide_unseen_(hide_unseen) {}

  Result<Explanation> tell(const CommandNeeds& needs) {
    if (decision_.rejection() != nullptr) {
      told_.because.push_back({decision_.rejection()->rule()->str(), {}});
    } else {
      told_.allowed = true;
    }
    if (!needs.instead.empty()) told_.because.push_back({needs.instead, {}});
    TRY(tell_authority(needs));
    TRY(tell_invitation());
    if (decision_.rejection() != nullptr) TRY(tell_ways(needs));
    return std::move(told_);
  }

 private:
  bool is_restore() const {
    return envelope_.command_as_RestoreSpace() != nullptr ||
           envelope_.command_as_RestoreOrganization() != nullptr;
  }
  std::string_view user() const {
    constexpr std::string_view kUser = "user:";
    const std::string_view actor = text(envelope_.actor());
    return actor.starts_with(kUser) ? actor.substr(kUser.size()) : std::string_view();
  }

  Result<void> tell_authority(const CommandNeeds& needs) {
    if (user().empty()) {
      if (text(envelope_.actor()).starts_with("service:")) {
        told_.because.push_back(
            {envelope_.actor()->str() + " acts by the actions given to it, not by a role", {}});
      }
      return {};
    }
    if (before_ == nullptr) return {};
    for (const CommandNeeds::Need& need : needs.actions) {
      Asked asked{.user = std::string(user()),
                  .action = need.action,
                  .space = need.space,
                  .hide_unseen = hide_unseen_,
                  .of_deleted = is_restore()};
      Explanation authority = TRY(explain_standing(*before_, asked));
      if (!authority.allowed && !need.or_else.empty()) {
        asked.action = need.or_else;
        Explanation other = TRY(explain_standing(*before_, asked));
        if (other.allowed) authority = std::move(other);
      }
      add(std::move(authority));
    }
    return {};
  }

  // A refusing rule of the standing says again what the rejection's says.
  void add(Explanation authority) {
    auto from = authority.because.begin();
    if (!authority.allowed && decision_.rejection() != nullptr) ++from;
    for (; from != authority.because.end(); ++from) {
      const auto same = [&](const Evidence& held) { return held.rule == from->rule; };
      if (std::ranges::none_of(told_.because, same)) told_.because.push_back(std::move(*from));
    }
    if (told_.notes.empty()) told_.notes = std::move(authority.notes);
    if (!authority.allowed && told_.would_allow.empty()) {
      told_.would_allow = std::move(authority.would_allow);
      lacks_ = true;
    }
  }

  // The answer to an invitation rests on it.
  Result<void> tell_invitation() {
    const flatbuffers::String* id = nullptr;
    if (const auto* accept = envelope_.command_as_AcceptInvitation()) id = accept->invitation();
    if (const auto* decline = envelope_.command_as_DeclineInvitation()) id = decline->invitation();
    if (id == nullptr || before_ == nullptr) return {};
    Row row;
    if (!TRY(before_->view().get(Family::kMembership, before_->keys().invitation(text(id)), row))) {
      return {};
    }
    const auto& invitation = row.as<schema::InvitationRow>();
    if (hide_unseen_ && text(invitation.user()) != user()) return {};
    told_.because.push_back(
        {"invitation " + id->str() + " to " + invitation.user()->str(), invitation.number()});
    return {};
  }

  Result<void> tell_ways(const CommandNeeds& needs) {
    const schema::Rejection& rejection = *decision_.rejection();
    if (before_ != nullptr) {
      if (lacks_ && rejection.code() == RejectionCode::forbidden) add_holders(needs);
      if (!lacks_) TRY(add_ways_beyond_the_action(rejection.code(), needs));
    }
    if (told_.would_allow.empty()) told_.would_allow.push_back(advice_of(rejection));
    return {};
  }

  void add_holders(const CommandNeeds& needs) {
    if (needs.actions.size() != 1) return;
    const CommandNeeds::Need& need = needs.actions.front();
    const auto action = parse_action(need.action, before_->rulebook());
    if (action) by_others(who_has(before_->rulebook(), *action, !need.space.empty()));
  }

  void by_others(RoleNames roles) {
    if (!roles.empty())
      told_.would_allow.push_back({"the same command by another", std::move(roles)});
  }

  Result<void> add_ways_beyond_the_action(RejectionCode code, const CommandNeeds& needs) {
    const Rulebook& rulebook = before_->rulebook();
    const Reach reach = reach_of(envelope_);
    if (code == RejectionCode::role_not_assignable || code == RejectionCode::escalation) {
      by_others(TRY(givers(reach)));
    } else if (code == RejectionCode::target_outranks_actor) {
      by_others(TRY(superiors(reach, needs)));
    } else if (code == RejectionCode::forbidden && needs.actions.size() == 1 &&
               needs.actions.front().action == action_name(Action::kGroupManage)) {
      by_others(who_ends_groups(rulebook));
    } else if (code == RejectionCode::space_archived && !needs.actions.empty()) {
      told_.would_allow.push_back({"RestoreSpace " + needs.actions.back().space + " first",
                                   who_has(rulebook, {.plain = Action::kSpaceArchive}, true)});
    } else if (code == RejectionCode::last_owner) {
      const std::string& owner = rulebook.role(rulebook.owner_role).name;
      told_.would_allow.push_back(
          {"another member who is " + owner + ", by TransferOwnership or in addition", {owner}});
    }
    return {};
  }

  Result<std::optional<RoleIndex>> role_of(const flatbuffers::String* target) {
    if (target == nullptr) return std::nullopt;
    const auto held = TRY(before_->membership(text(target)));
    return held ? std::optional(held->role) : std::nullopt;
  }

  Result<RoleNames> givers(const Reach& reach) {
    const Rulebook& rulebook = before_->rulebook();
    const auto own = TRY(before_->membership(user()));
    if (const auto role = rulebook.organization_role(text(reach.role))) {
      RoleNames names = who_gives(rulebook, *role, TRY(role_of(reach.target)));
      const bool given =
          own && std::ranges::find(names, rulebook.role(own->role).name) != names.end();
      if (!given || reach.space_roles == nullptr) return names;
    }
    if (reach.space == nullptr) return RoleNames();
    RoleSet roles;
    for (flatbuffers::uoffset_t i = 0;
         reach.space_roles != nullptr && i < reach.space_roles->size(); ++i) {
      const auto role = rulebook.space_role(text(reach.space_roles->Get(i)));
      if (role) roles.set(*role);
    }
    return who_gives_in_space(rulebook, roles);
  }

  Result<RoleNames> superiors(const Reach& reach, const CommandNeeds& needs) {
    const Rulebook& rulebook = before_->rulebook();
    if (reach.subject != nullptr) {
      Row row;
      const Key& key = before_->keys().access(text(reach.space), text(reach.subject));
      if (!TRY(before_->view().get(Family::kMembership, key, row))) return RoleNames();
      return who_changes_in_space(rulebook,
                                  before_->space_roles(*row.as<schema::AccessRow>().roles()));
    }
    const auto held = TRY(role_of(reach.target));
    if (!held || needs.actions.empty()) return RoleNames();
    const auto action = parse_action(needs.actions.front().action, rulebook);
    if (!action || !action->plain) return RoleNames();
    return who_acts_on(rulebook, *action->plain, *held);
  }

  const schema::Decision& decision_;
  const schema::CommandEnvelope& envelope_;
  OrganizationRows* before_;
  const bool hide_unseen_;
  Explanation told_;
  bool lacks_ = false;  // an action that it needs
};

std::unexpected<Error> unseen(Position position) {
  return fail(ErrorKind::kNotFound, "no decision " + format_position(position) +
                                        ", or none that whoever asks may see; check the position");
}

void write_needs(AnswerWriter& out, const CommandNeeds& needs) {
  out.begin_array("needs");
  for (const CommandNeeds::Need& need : needs.actions) {
    out.begin_object().text("action", need.action);
    if (!need.space.empty()) out.text("space", need.space);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

Result<std::string> explain_decision(const QueryContext& context, const ExplainSources& sources,
                                     uint64_t number, const std::stop_token& stop) {
  const Position position{sources.partition, {number}};
  auto found = read_decision(sources.log, sources.partition, number);
  if (!found && found.error().kind == ErrorKind::kNotFound) return unseen(position);
  const LogDecision made = TRY(std::move(found));
  const schema::Decision& decision = made.get();
  const schema::CommandEnvelope& envelope = *decision.command_nested_root();
  const Sight sight = TRY(sight_of(context, text(envelope.org())));
  if (!sight.audit && text(envelope.actor()) != sight.own) return unseen(position);

  const auto before = TRY(Before::open(context, sources, decision, sight.belongs, stop));
  const CommandNeeds needs = TRY(needs_of(decision, before->organization(), sources.catalog));
  Telling telling(decision, before->organization(), !sight.audit);
  const Explanation told = TRY(telling.tell(needs));

  std::string json;
  write_decision_json(format_position(position), made.payload, json, context.unsealer,
                      !sight.audit && refused_as_outsider(decision));
  AnswerWriter out;
  out.begin_object().json("decision", json);
  write_needs(out, needs);
  TRY(write_evidence(out, "because", told.because, context, sources, sight));
  TRY(write_evidence(out, "notes", told.notes, context, sources, sight));
  write_ways(out, told.would_allow);
  return out.end_object().take();
}

}  // namespace tenure
