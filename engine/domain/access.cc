#include "engine/domain/access.h"

namespace tenure {
namespace {

const Member* find_member(const Organization& organization, std::string_view user) {
  const auto found = organization.members.find(user);
  return found == organization.members.end() ? nullptr : &found->second;
}

// The union of one of the two role sets over all space roles that somebody has.
RoleSet reach(const Rulebook& rulebook, RoleIndex organization_role, const SpaceGrants& grants,
              RoleSet SpaceRole::* set) {
  if (rulebook.role(organization_role).inherits_all) return RoleSet().set();
  const RoleSet held = effective_space_roles(rulebook, organization_role, grants);
  RoleSet reached;
  for (size_t role = 0; role < rulebook.space_roles.size(); ++role) {
    if (held.test(role)) reached |= rulebook.space_roles[role].*set;
    // What the organization defined stands below everybody who manages access at all.
    if (rulebook.space_roles[role].custom) reached.set(role);
  }
  return reached;
}

}  // namespace

bool sees_every_space(const OrganizationRole& role) {
  return role.actions.has(Action::kSpaceView) || role.inherits != kNoRole || role.inherits_all;
}

RoleSet effective_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                              const SpaceGrants& grants) {
  RoleSet roles = grants.roles;
  const RoleIndex inherited = rulebook.role(organization_role).inherits;
  if (inherited != kNoRole) roles.set(inherited);
  return roles;
}

ActionSet effective_actions(const Rulebook& rulebook, RoleIndex organization_role,
                            const SpaceGrants& grants) {
  const OrganizationRole& role = rulebook.role(organization_role);
  if (!grants.any && !sees_every_space(role)) return {};
  ActionSet actions = role.power;
  actions.add(Action::kSpaceView);  // whoever has anything there, whatever it is
  for (size_t i = 0; i < rulebook.space_roles.size(); ++i) {
    if (grants.roles.test(i)) actions |= rulebook.space_roles[i].actions;
  }
  if (grants.any && grants.roles.none() && rulebook.access_without_role_is_all) {
    actions |= rulebook.every_resource_action;
  }
  return actions;
}

RoleSet assignable_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                               const SpaceGrants& grants) {
  const ActionSet held = effective_actions(rulebook, organization_role, grants);
  if (!held.has(Action::kAccessManage)) return {};
  RoleSet roles = assigned_space_roles(rulebook, organization_role, grants);
  for (size_t role = 0; role < rulebook.space_roles.size(); ++role) {
    if (!held.contains(rulebook.space_roles[role].actions)) roles.reset(role);
  }
  return roles;
}

RoleSet assigned_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                             const SpaceGrants& grants) {
  return reach(rulebook, organization_role, grants, &SpaceRole::assigns);
}
RoleSet changeable_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                               const SpaceGrants& grants) {
  return reach(rulebook, organization_role, grants, &SpaceRole::acts_on);
}

RoleSet assignable_roles(const Rulebook& rulebook, RoleIndex actor,
                         const std::optional<RoleTarget>& target) {
  const OrganizationRole& giver = rulebook.organization_roles[actor];
  if (!giver.actions.has(target ? Action::kMemberChangeRole : Action::kMemberAdd)) return {};
  if (target && !target->oneself && !giver.acts_on.test(target->role)) return {};
  RoleSet roles = giver.assigns;
  for (size_t role = 0; role < rulebook.organization_roles.size(); ++role) {
    const bool raises_oneself = target && target->oneself && role < target->role;
    const bool leaves_no_owner = target && target->sole_owner && role != rulebook.owner_role;
    if (!giver.covers(rulebook.organization_roles[role]) || raises_oneself || leaves_no_owner) {
      roles.reset(role);
    }
  }
  return roles;
}

std::optional<RoleIndex> standing_of(const Organization& organization, std::string_view user) {
  if (organization.deleted) return std::nullopt;
  if (const Member* member = find_member(organization, user)) {
    return member->suspended ? std::nullopt : std::optional(member->role);
  }
  return has_grants(organization, user) ? std::optional(kNoRole) : std::nullopt;
}

ActionSet organization_actions(const Organization& organization, std::string_view user) {
  const std::optional<RoleIndex> role = standing_of(organization, user);
  return role ? organization.rulebook->role(*role).actions : ActionSet{};
}

namespace {

// The actions that nobody does in a space.
const ActionSet& organization_wide() {
  static const ActionSet kWide = [] {
    ActionSet wide;
    for (size_t i = 0; i < kActionCount; ++i) {
      if (!is_about_a_space(static_cast<Action>(i))) wide.add(static_cast<Action>(i));
    }
    return wide;
  }();
  return kWide;
}

void add_granted(const Service& service, const Rulebook& rulebook, std::string_view org,
                 std::string_view space, ActionSet& actions) {
  const ServiceGrant* grant = service.find(org, space);
  if (grant == nullptr) return;
  for (const std::string& action : grant->actions) actions.add(action, rulebook);
}

}  // namespace

ActionSet service_actions(const Service& service, const Rulebook& rulebook, std::string_view org) {
  ActionSet actions;
  add_granted(service, rulebook, {}, {}, actions);
  add_granted(service, rulebook, org, {}, actions);
  return actions;
}

ActionSet service_actions(const Service& service, const Rulebook& rulebook, std::string_view org,
                          std::string_view space) {
  ActionSet actions = service_actions(service, rulebook, org);
  add_granted(service, rulebook, org, space, actions);
  // Whoever may do anything in a space sees it, whatever it is.
  if (!organization_wide().contains(actions)) actions.add(Action::kSpaceView);
  return actions;
}

bool has_grants(const Organization& organization, std::string_view user) {
  return organization.spaces_of.contains(std::string_view(SubjectKey::user(user)));
}

SpaceGrants grants_of(const Organization& organization, const Space& space, std::string_view user,
                      std::string_view without) {
  SpaceGrants grants;
  const auto add_grant_to = [&](std::string_view subject) {
    const auto grant = space.access.find(subject);
    if (grant == space.access.end() || subject == without) return;
    grants.any = true;
    for (const RoleIndex role : grant->second) grants.roles.set(role);
  };
  if (space.access.empty()) return grants;
  add_grant_to(SubjectKey::user(user));
  if (const auto groups = organization.groups_of.find(user);
      groups != organization.groups_of.end()) {
    for (const GroupId& group : groups->second) add_grant_to(SubjectKey::group(group));
  }
  return grants;
}

ActionSet space_actions(const Organization& organization, const Space& space,
                        std::string_view user) {
  const std::optional<RoleIndex> role = standing_of(organization, user);
  if (!role || space.status == SpaceStatus::kDeleted) return {};
  return effective_actions(*organization.rulebook, *role, grants_of(organization, space, user));
}

bool sees_space(const Organization& organization, const Space& space, std::string_view user) {
  const std::optional<RoleIndex> role = standing_of(organization, user);
  if (!role || space.status == SpaceStatus::kDeleted) return false;
  return sees_every_space(organization.rulebook->role(*role)) ||
         grants_of(organization, space, user).any;
}

bool is_allowed(const Organization& organization, std::string_view user, std::string_view action,
                std::string_view space) {
  const std::optional<NamedAction> named = parse_action(action, *organization.rulebook);
  if (!named) return false;
  ActionSet actions;
  if (space.empty()) {
    actions = organization_actions(organization, user);
  } else if (const auto found = organization.spaces.find(space);
             found != organization.spaces.end()) {
    actions = space_actions(organization, found->second, user);
  }
  return named->plain ? actions.has(*named->plain) : actions.has(named->verb, named->type);
}

std::vector<std::string> assignable_roles(const Organization& organization, std::string_view actor,
                                          std::string_view target) {
  const Member* giver = find_member(organization, actor);
  const Member* held = find_member(organization, target);
  if (giver == nullptr || giver->suspended || organization.deleted) return {};
  if (!target.empty() && held == nullptr) return {};
  std::optional<RoleTarget> role_target;
  if (held != nullptr) {
    const bool owner = held->role == organization.rulebook->owner_role && !held->suspended;
    role_target = {held->role, actor == target, owner && organization.owners == 1};
  }
  const RoleSet roles = assignable_roles(*organization.rulebook, giver->role, role_target);
  std::vector<std::string> names;
  for (size_t i = 0; i < organization.rulebook->organization_roles.size(); ++i) {
    if (roles.test(i)) names.push_back(organization.rulebook->organization_roles[i].name);
  }
  return names;
}

}  // namespace tenure
