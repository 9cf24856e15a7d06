#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/meters.h"

namespace tenure {
namespace {

Verdict is_new(const Caller& caller, std::string_view group) {
  if (!caller.organization.groups.contains(group)) return {};
  return reject(RejectionCode::already_exists,
                "group " + in_quotes(group) + " exists; choose another id",
                rule_of(caller, "ids are unique"));
}

Verdict is_outside(const Caller& caller, const Group& group, std::string_view user) {
  if (!group.users.contains(user)) return {};
  return reject(RejectionCode::already_member, in_quotes(user) + " is in this group already",
                rule_of(caller, "a user is in a group once"));
}

Verdict is_inside(const Caller& caller, const Group& group, std::string_view user) {
  if (group.users.contains(user)) return {};
  return reject(RejectionCode::not_found,
                in_quotes(user) + " is not in this group; check the id, or the group",
                rule_of(caller, "target exists"));
}

// The spaces that a group opens, each as the caller sees it.
std::vector<SpaceCaller> opened_spaces(const Caller& caller, std::string_view group) {
  std::vector<SpaceCaller> opened;
  const auto spaces =
      caller.organization.spaces_of.find(std::string_view(SubjectKey::group(group)));
  if (spaces == caller.organization.spaces_of.end()) return opened;
  for (const SpaceId& id : spaces->second) {
    opened.push_back(caller_in(caller, &caller.organization.spaces.find(id)->second, id));
  }
  return opened;
}

RoleSet roles_of_group(const SpaceCaller& there, std::string_view group) {
  RoleSet roles;
  const AccessRoles& held =
      there.space->access.find(std::string_view(SubjectKey::group(group)))->second;
  for (const RoleIndex role : held) roles.set(role);
  return roles;
}

// That the caller may end what the group gives its users, in each space that it opens.
Verdict may_take_away(const Caller& caller, std::string_view group,
                      const std::set<UserId, std::less<>>& users) {
  const SubjectKey subject = SubjectKey::group(group);
  for (const SpaceCaller& there : opened_spaces(caller, group)) {
    for (const UserId& user : users) TRY(leaves_no_more(there, user, subject));
  }
  return {};
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CreateGroup& command, EventSink& events) {
  TRY(valid_id("group", command.group()));
  TRY(valid_name("name", command.name()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kGroupManage));
  TRY(is_new(caller, text(command.group())));

  auto& builder = events.builder();
  const auto group = builder.CreateString(command.group());
  events.add(schema::CreateGroupCreated(builder, group, builder.CreateString(command.name())));
  return {};
}

Verdict decide(const Incoming& in, const schema::DeleteGroup& command, EventSink& events) {
  TRY(valid_id("group", command.group()));
  const Caller caller = TRY(admit(in));
  TRY(may_end_groups(caller));
  const Group* group = TRY(existing_group(caller, text(command.group())));
  TRY(may_take_away(caller, text(command.group()), group->users));

  auto& builder = events.builder();
  const auto group_text = builder.CreateString(command.group());
  events.add(schema::CreateGroupDeleted(builder, group_text));
  for (const UserId& user : group->users) {
    events.add(schema::CreateGroupLeft(builder, group_text, builder.CreateString(user.str())));
  }
  revoke_everywhere(caller.organization, SubjectKey::group(text(command.group())), events);
  return {};
}

Verdict decide(const Incoming& in, const schema::AddToGroup& command, EventSink& events) {
  const std::string_view group_id = text(command.group()), user = text(command.user());
  TRY(valid_id("group", command.group()));
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kGroupManage));
  const Group* group = TRY(existing_group(caller, group_id));
  (void)TRY(existing_member(caller, user));
  const std::vector<SpaceCaller> opened = opened_spaces(caller, group_id);
  for (const SpaceCaller& there : opened) {
    TRY(assigns_in_space(there, roles_of_group(there, group_id)));
    TRY(gives_no_more_than_held(there, roles_of_group(there, group_id)));
  }
  TRY(is_outside(caller, *group, user));
  std::vector<Rise> rises;
  for (const SpaceCaller& there : opened) {
    const bool newcomer = !grants_of(caller.organization, *there.space, user).any;
    if (newcomer) TRY(is_not_in_debt(there));
    rises.push_back(TRY(members_rise(in.context.now, there, newcomer)));
  }

  auto& builder = events.builder();
  const auto group_text = builder.CreateString(command.group());
  events.add(schema::CreateGroupJoined(builder, group_text, builder.CreateString(command.user())));
  for (size_t i = 0; i < opened.size(); ++i) tell_crossed(opened[i], rises[i], events);
  return {};
}

Verdict decide(const Incoming& in, const schema::RemoveFromGroup& command, EventSink& events) {
  TRY(valid_id("group", command.group()));
  TRY(valid_id("user", command.user()));
  const Caller caller = TRY(admit(in));
  TRY(may_end_groups(caller));
  const Group* group = TRY(existing_group(caller, text(command.group())));
  TRY(is_inside(caller, *group, text(command.user())));
  TRY(may_take_away(caller, text(command.group()), {UserId(text(command.user()))}));

  auto& builder = events.builder();
  const auto group_text = builder.CreateString(command.group());
  events.add(schema::CreateGroupLeft(builder, group_text, builder.CreateString(command.user())));
  return {};
}

}  // namespace tenure
