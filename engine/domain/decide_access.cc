#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/meters.h"

namespace tenure {
namespace {

// A subject that exists, and how many users it would bring who have no access yet.
struct SubjectFound {
  const Group* group;  // null: a user
  std::string_view id;
};

Guarded<SubjectFound> existing_subject(const Caller& caller, std::string_view subject) {
  const std::string_view id = subject.substr(subject.find(':') + 1);
  if (subject.starts_with("group:")) return SubjectFound{TRY(existing_group(caller, id)), id};
  (void)TRY(existing_member(caller, id));
  return SubjectFound{nullptr, id};
}

uint64_t newcomers(const SpaceCaller& caller, const SubjectFound& subject) {
  const auto is_newcomer = [&](std::string_view user) {
    return !grants_of(caller.organization, *caller.space, user).any;
  };
  if (subject.group == nullptr) return is_newcomer(subject.id);
  uint64_t count = 0;
  for (const UserId& user : subject.group->users) count += is_newcomer(user);
  return count;
}

RoleSet role_set(const AccessRoles& roles) {
  RoleSet set;
  for (const RoleIndex role : roles) set.set(role);
  return set;
}

Guarded<RoleSet> existing_grant(const SpaceCaller& caller, std::string_view subject) {
  const auto grant = caller.space->access.find(subject);
  if (grant != caller.space->access.end()) return role_set(grant->second);
  return reject(
      RejectionCode::not_found,
      in_quotes(subject) + " has no direct access to this space; grant it, or check the id",
      rule_of(caller, "target exists"));
}

Verdict changes_roles(const SpaceCaller& caller, const RoleSet& held, const RoleSet& roles) {
  if (held != roles) return {};
  return reject(RejectionCode::nothing_to_do, "that is what they have already",
                rule_of(caller, "a change changes something"));
}

Verdict leaves_nobody_more(const SpaceCaller& caller, std::string_view subject) {
  const std::string_view id = subject.substr(subject.find(':') + 1);
  if (!subject.starts_with("group:")) return leaves_no_more(caller, id, subject);
  const auto group = caller.organization.groups.find(id);
  if (group == caller.organization.groups.end()) return {};
  for (const UserId& user : group->second.users) TRY(leaves_no_more(caller, user, subject));
  return {};
}

Verdict is_a_user(const Caller& caller) {
  if (caller.actor.kind == Actor::Kind::kUser) return {};
  return reject(RejectionCode::forbidden, "only a user leaves; send this as the user who leaves",
                rule_of(caller, "users leave by themselves"));
}

// Everything that both giving and changing access need before they look at who has it.
template <class Command>
Guarded<SpaceCaller> may_manage(const Incoming& in, const Command& command) {
  TRY(valid_id("space", command.space()));
  TRY(valid_subject(command.subject()));
  const Caller caller = TRY(admit(in));
  const SpaceCaller there = TRY(enter_space(caller, text(command.space())));
  TRY(holds_in_space(there, Action::kAccessManage));
  return there;
}

}  // namespace

Verdict decide(const Incoming& in, const schema::GrantAccess& command, EventSink& events) {
  TRY(valid_roles("roles", command.roles()));
  const SpaceCaller caller = TRY(may_manage(in, command));
  const RoleSet roles = TRY(known_space_roles(caller, command.roles()));
  TRY(exists(caller));
  const SubjectFound subject = TRY(existing_subject(caller, text(command.subject())));
  TRY(assigns_in_space(caller, roles));
  TRY(gives_no_more_than_held(caller, roles));
  TRY(has_no_grant(caller, text(command.subject())));
  TRY(takes_more(caller));
  const Rise members = TRY(members_rise(in.context.now, caller, newcomers(caller, subject)));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto subject_text = builder.CreateString(command.subject());
  events.add(schema::CreateAccessGranted(builder, space, subject_text,
                                         space_role_texts(builder, caller.rulebook, roles)));
  tell_crossed(caller, members, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::ChangeAccess& command, EventSink& events) {
  TRY(valid_roles("roles", command.roles()));
  const SpaceCaller caller = TRY(may_manage(in, command));
  const RoleSet roles = TRY(known_space_roles(caller, command.roles()));
  TRY(exists(caller));
  const RoleSet held = TRY(existing_grant(caller, text(command.subject())));
  TRY(acts_on_in_space(caller, text(command.subject()), held));
  TRY(assigns_in_space(caller, roles));
  TRY(gives_no_more_than_held(caller, roles));
  TRY(changes_roles(caller, held, roles));
  TRY(is_not_archived(caller));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto subject = builder.CreateString(command.subject());
  const auto role_texts = space_role_texts(builder, caller.rulebook, roles);
  events.add(schema::CreateAccessChanged(builder, space, subject, role_texts,
                                         space_role_texts(builder, caller.rulebook, held)));
  return {};
}

Verdict decide(const Incoming& in, const schema::RevokeAccess& command, EventSink& events) {
  const SpaceCaller caller = TRY(may_manage(in, command));
  TRY(exists(caller));
  const RoleSet held = TRY(existing_grant(caller, text(command.subject())));
  TRY(acts_on_in_space(caller, text(command.subject()), held));
  TRY(leaves_nobody_more(caller, text(command.subject())));
  TRY(is_not_archived(caller));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  events.add(schema::CreateAccessRevoked(builder, space, builder.CreateString(command.subject())));
  return {};
}

// One's own access one may always give up, in an archived space too, and in a deleted one: it may
// be restored, and until then it is what a guest belongs by.
Verdict decide(const Incoming& in, const schema::LeaveSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  const Caller caller = TRY(admit(in));
  TRY(is_a_user(caller));
  const SpaceCaller there = TRY(enter_space(caller, text(command.space())));
  if (there.space == nullptr) TRY(exists(there));
  const SubjectKey oneself = SubjectKey::user(caller.actor.id);
  (void)TRY(existing_grant(there, oneself));
  TRY(leaves_no_more(there, caller.actor.id, oneself));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  events.add(
      schema::CreateAccessRevoked(builder, space, builder.CreateString(std::string_view(oneself))));
  return {};
}

}  // namespace tenure
