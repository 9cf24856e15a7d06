#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/meters.h"

namespace tenure {
namespace {

Verdict joins_directly(const Caller& caller) {
  if (caller.rulebook.direct_join) return {};
  return reject(RejectionCode::forbidden, "nobody is added directly here; invite them",
                rule_of(caller, "joins by invitation"));
}

// One may lower one's own role, never raise it, even where the rulebook lets one give the higher.
Verdict raises_not_oneself(const Caller& caller, const Member& target, RoleIndex role) {
  if (&target != caller.member || role >= target.role) return {};
  return reject(RejectionCode::escalation, "nobody raises their own role; ask somebody above",
                rule_of(caller, "general law 2: no escalation by " + who(caller)));
}

Verdict changes_role(const Caller& caller, std::string_view user, const Member& target,
                     RoleIndex role) {
  if (target.role != role) return {};
  return reject(
      RejectionCode::nothing_to_do,
      in_quotes(user) + " is " + caller.rulebook.organization_roles[role].name + " already",
      rule_of(caller, "a change changes something"));
}

Verdict is_a_member(const Caller& caller) {
  if (caller.member != nullptr) return {};
  return reject(RejectionCode::forbidden, "only a member leaves; send this as the user who leaves",
                rule_of(caller, "members leave by themselves"));
}

Verdict members_may_leave(const Caller& caller) {
  if (caller.rulebook.members_may_leave) return {};
  return reject(RejectionCode::forbidden, "members cannot leave by themselves; ask to be removed",
                rule_of(caller, "members may not leave"));
}

// The access that AddMember may give along: the space entered, and the roles there.
struct FirstAccess {
  SpaceCaller there;
  RoleSet roles;
};

// Nothing if the command names no space.
Guarded<std::optional<SpaceCaller>> first_space(const Caller& caller,
                                                const schema::AddMember& command) {
  if (command.space() == nullptr) return std::nullopt;
  const SpaceCaller there = TRY(enter_space(caller, text(command.space())));
  TRY(holds_in_space(there, Action::kAccessManage));
  return there;
}

Guarded<FirstAccess> known_access(const SpaceCaller& there, const schema::AddMember& command) {
  const RoleSet roles = TRY(known_space_roles(there, command.space_roles()));
  TRY(exists(there));
  return FirstAccess{there, roles};
}

Verdict valid_first_access(const schema::AddMember& command) {
  if (command.space() != nullptr) {
    TRY(valid_id("space", command.space()));
  } else if (command.space_roles() != nullptr) {
    return reject(RejectionCode::invalid_value, "space_roles need a space; name it",
                  "contract: space_roles are held in a space");
  }
  return valid_roles("space_roles", command.space_roles());
}

// What a member, a guest or somebody invited leaves behind: direct access everywhere, all groups,
// in the order of their ids, and invitations.
void end_belonging(const Caller& caller, std::string_view user, EventSink& events) {
  auto& builder = events.builder();
  const auto user_text = builder.CreateString(user);
  revoke_everywhere(caller.organization, SubjectKey::user(user), events);
  if (const auto groups = caller.organization.groups_of.find(user);
      groups != caller.organization.groups_of.end()) {
    for (const GroupId& group : groups->second) {
      events.add(schema::CreateGroupLeft(builder, builder.CreateString(group.str()), user_text));
    }
  }
  if (!caller.organization.invitations_of.contains(user)) return;
  revoke_invitations(
      caller.organization, [&](const Invitation& held) { return held.user == user; }, events);
}

void end_membership(const Caller& caller, std::string_view user, const Member& member,
                    EventSink& events) {
  auto& builder = events.builder();
  const auto user_text = builder.CreateString(user);
  const std::string& role = caller.rulebook.role(member.role).name;
  events.add(schema::CreateMemberRemoved(builder, user_text, builder.CreateString(role)));
  end_belonging(caller, user, events);
}

Verdict is_suspended(const Caller& caller, std::string_view user, const Member& target,
                     bool suspended) {
  if (target.suspended == suspended) return {};
  return reject(
      RejectionCode::nothing_to_do,
      in_quotes(user) + (target.suspended ? " is suspended already" : " is not suspended"),
      rule_of(caller, "a change changes something"));
}

Verdict updates_something(const Caller& caller, const schema::UpdateMember& command) {
  if (command.name() != nullptr || command.email() != nullptr) return {};
  return reject(RejectionCode::nothing_to_do, "name what is to change: name, email or both",
                rule_of(caller, "a change changes something"));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::AddMember& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  TRY(is_sealed("name", command.name()));
  TRY(is_sealed("email", command.email()));
  TRY(valid_first_access(command));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kMemberAdd));
  const auto there = TRY(first_space(caller, command));
  TRY(joins_directly(caller));
  const RoleIndex role = TRY(known_role(caller, text(command.role())));
  std::optional<FirstAccess> access;
  if (there) access.emplace(TRY(known_access(*there, command)));
  TRY(assigns(caller, role));
  if (access) TRY(assigns_in_space(access->there, access->roles));
  TRY(gives_no_more_than_held(caller, role));
  if (access) TRY(gives_no_more_than_held(access->there, access->roles));
  TRY(is_no_member(caller, text(command.user())));
  std::optional<Rise> members;
  if (access) {
    TRY(takes_more(access->there));
    members = TRY(members_rise(in.context.now, access->there, 1));
  }

  auto& builder = events.builder();
  const auto user = builder.CreateString(command.user());
  const auto role_text = builder.CreateString(command.role());
  const auto name = copy_sealed(builder, command.name());
  const auto email = copy_sealed(builder, command.email());
  if (!access) {
    events.add(schema::CreateMemberAdded(builder, user, role_text, name, email));
    return {};
  }
  const auto space = builder.CreateString(command.space());
  const auto roles = space_role_texts(builder, caller.rulebook, access->roles);
  events.add(schema::CreateMemberAdded(builder, user, role_text, name, email, space, roles));
  const SubjectKey subject = SubjectKey::user(text(command.user()));
  events.add(schema::CreateAccessGranted(builder, space,
                                         builder.CreateString(std::string_view(subject)), roles));
  tell_crossed(access->there, *members, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::ChangeRole& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kMemberChangeRole));
  const RoleIndex role = TRY(known_role(caller, text(command.role())));
  const Member* target = TRY(existing_member(caller, text(command.user())));
  if (target != caller.member) TRY(acts_on(caller, text(command.user()), *target));
  TRY(assigns(caller, role));
  TRY(raises_not_oneself(caller, *target, role));
  TRY(gives_no_more_than_held(caller, role));
  if (role != caller.rulebook.owner_role) TRY(keeps_an_owner(caller, *target));
  TRY(changes_role(caller, text(command.user()), *target, role));

  auto& builder = events.builder();
  const auto user = builder.CreateString(command.user());
  const auto role_text = builder.CreateString(command.role());
  const std::string& from = caller.rulebook.organization_roles[target->role].name;
  events.add(schema::CreateRoleChanged(builder, user, role_text, builder.CreateString(from)));
  return {};
}

Verdict decide(const Incoming& in, const schema::RemoveMember& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kMemberRemove));
  const Member* target = TRY(existing_member(caller, text(command.user())));
  TRY(acts_on(caller, text(command.user()), *target));
  TRY(keeps_an_owner(caller, *target));
  end_membership(caller, text(command.user()), *target, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::LeaveOrganization&, EventSink& events) {
  const Caller caller = TRY(admit(in));
  TRY(is_a_member(caller));
  TRY(keeps_an_owner(caller, *caller.member));
  TRY(members_may_leave(caller));
  end_membership(caller, caller.actor.id, *caller.member, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::UpdateMember& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  TRY(is_sealed("name", command.name()));
  TRY(is_sealed("email", command.email()));
  const Caller caller = TRY(admit(in));
  const bool oneself = caller.member != nullptr && text(command.user()) == caller.actor.id;
  if (!oneself) TRY(holds(caller, Action::kMemberChangeRole));
  const Member* target = TRY(existing_member(caller, text(command.user())));
  if (!oneself) TRY(acts_on(caller, text(command.user()), *target));
  TRY(updates_something(caller, command));

  auto& builder = events.builder();
  const auto user = builder.CreateString(command.user());
  const auto name = copy_sealed(builder, command.name());
  events.add(
      schema::CreateMemberUpdated(builder, user, name, copy_sealed(builder, command.email())));
  return {};
}

Verdict decide(const Incoming& in, const schema::SuspendMember& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kMemberRemove));
  const Member* target = TRY(existing_member(caller, text(command.user())));
  TRY(acts_on(caller, text(command.user()), *target));
  TRY(keeps_an_owner(caller, *target));
  TRY(is_suspended(caller, text(command.user()), *target, false));

  auto& builder = events.builder();
  events.add(schema::CreateMemberSuspended(builder, builder.CreateString(command.user())));
  return {};
}

Verdict decide(const Incoming& in, const schema::ReinstateMember& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kMemberRemove));
  const Member* target = TRY(existing_member(caller, text(command.user())));
  TRY(acts_on(caller, text(command.user()), *target));
  TRY(is_suspended(caller, text(command.user()), *target, true));

  auto& builder = events.builder();
  events.add(schema::CreateMemberReinstated(builder, builder.CreateString(command.user())));
  return {};
}

// Of whoever it is, known here or not: the key is one for all organizations. So in a deleted one
// too.
Verdict decide(const Incoming& in, const schema::EraseSubject& command, EventSink& events) {
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit_to_any(in));
  TRY(holds(caller, Action::kSubjectErase));
  const std::string_view user = text(command.user());
  const auto member = caller.organization.members.find(user);
  const bool is_member = member != caller.organization.members.end();
  if (is_member) TRY(keeps_an_owner(caller, member->second));

  auto& builder = events.builder();
  const auto user_text = builder.CreateString(user);
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> key;
  if (const auto& name = in.context.person_key) {
    key = builder.CreateVector(name->data(), name->size());
  }
  events.add(schema::CreateSubjectErased(builder, user_text, key));
  if (is_member) {
    end_membership(caller, user, member->second, events);
  } else {
    end_belonging(caller, user, events);
  }
  return {};
}

}  // namespace tenure
