#include "projections/explain/who_may.h"

#include "projections/queries/standing.h"

namespace tenure {
namespace {

template <class Fits>
RoleNames organization_roles(const Rulebook& rulebook, Fits fits) {
  RoleNames names;
  for (size_t role = 0; role < rulebook.organization_roles.size(); ++role) {
    if (fits(static_cast<RoleIndex>(role))) names.push_back(rulebook.organization_roles[role].name);
  }
  return names;
}

// Organization roles by what they are in any space, then space roles by themselves.
template <class Fits>
RoleNames roles_in_space(const Rulebook& rulebook, Fits fits) {
  RoleNames names =
      organization_roles(rulebook, [&](RoleIndex role) { return fits(role, SpaceGrants{}); });
  for (size_t role = 0; role < rulebook.space_roles.size(); ++role) {
    SpaceGrants held{.any = true, .roles = {}};
    held.roles.set(role);
    if (fits(kNoRole, held)) names.push_back("space role " + rulebook.space_roles[role].name);
  }
  return names;
}

bool is_service_action(const NamedAction& action) {
  return action.plain && *action.plain >= kFirstServiceAction;
}

// How somebody comes to an organization role.
std::string how_to_hold(const Rulebook& rulebook, const Lacking& lacking, RoleIndex role) {
  const std::string& name = rulebook.organization_roles[role].name;
  if (lacking.role) return "ChangeRole " + lacking.user + " to " + name;
  return (rulebook.direct_join ? "AddMember " : "InviteMember ") + lacking.user + " as " + name;
}

void add_role_ways(const Rulebook& rulebook, const Lacking& lacking, const NamedAction& action,
                   std::vector<Way>& ways) {
  for (size_t at = 0; at < rulebook.organization_roles.size(); ++at) {
    const auto role = static_cast<RoleIndex>(at);
    const OrganizationRole& held = rulebook.organization_roles[role];
    if (!holds(lacking.space.empty() ? held.actions : held.power, action)) continue;
    if (!lacking.space.empty() && !sees_every_space(held)) continue;
    RoleNames givers = who_gives(rulebook, role, lacking.role);
    if (!givers.empty()) {
      ways.push_back({how_to_hold(rulebook, lacking, role), std::move(givers)});
    } else if (role == rulebook.owner_role && lacking.role) {
      ways.push_back({"TransferOwnership to " + lacking.user + ", who becomes " + held.name,
                      {rulebook.organization_roles[role].name}});
    }
  }
}

// How a user comes to roles in a space. Who is no member is a guest, or becomes a member with it.
std::string how_to_be_granted(const Rulebook& rulebook, const Lacking& lacking,
                              const std::string& roles) {
  const std::string there = " in " + lacking.space;
  if (lacking.direct) return "ChangeAccess of " + lacking.user + " to " + roles + there;
  if (lacking.role) return "GrantAccess to " + lacking.user + ": " + roles + there;
  if (rulebook.space_guests) return "InviteMember " + lacking.user + ": " + roles + there;
  return "AddMember " + lacking.user + " with " + roles + there;
}

void add_grant_ways(const Rulebook& rulebook, const Lacking& lacking, const NamedAction& action,
                    std::vector<Way>& ways) {
  for (size_t role = 0; role < rulebook.space_roles.size(); ++role) {
    if (!holds(rulebook.space_roles[role].actions, action)) continue;
    RoleNames givers = who_gives_in_space(rulebook, RoleSet().set(role));
    if (givers.empty()) continue;
    ways.push_back(
        {how_to_be_granted(rulebook, lacking, rulebook.space_roles[role].name), std::move(givers)});
  }
  const bool means_all = rulebook.access_without_role_is_all && !lacking.role_by_group &&
                         holds(rulebook.every_resource_action, action);
  if (!means_all) return;
  RoleNames givers = who_gives_in_space(rulebook, {});
  if (givers.empty()) return;
  ways.push_back(
      {how_to_be_granted(rulebook, lacking, "access without a role"), std::move(givers)});
}

}  // namespace

RoleNames who_gives(const Rulebook& rulebook, RoleIndex role, std::optional<RoleIndex> held) {
  std::optional<RoleTarget> target;
  if (held) target = {.role = *held, .oneself = false, .sole_owner = false};
  return organization_roles(rulebook, [&](RoleIndex giver) {
    return assignable_roles(rulebook, giver, target).test(role);
  });
}

RoleNames who_gives_in_space(const Rulebook& rulebook, const RoleSet& roles) {
  return roles_in_space(rulebook, [&](RoleIndex giver, const SpaceGrants& grants) {
    const ActionSet held = effective_actions(rulebook, giver, grants);
    if (!held.has(Action::kAccessManage)) return false;
    if (roles.none()) return held.contains(rulebook.every_resource_action);
    return (roles & ~assignable_space_roles(rulebook, giver, grants)).none();
  });
}

RoleNames who_has(const Rulebook& rulebook, const NamedAction& action, bool in_space) {
  if (!in_space) {
    return organization_roles(rulebook, [&](RoleIndex role) {
      return holds(rulebook.organization_roles[role].actions, action);
    });
  }
  return roles_in_space(rulebook, [&](RoleIndex role, const SpaceGrants& grants) {
    return holds(effective_actions(rulebook, role, grants), action);
  });
}

RoleNames who_acts_on(const Rulebook& rulebook, Action action, RoleIndex target) {
  return organization_roles(rulebook, [&](RoleIndex role) {
    const OrganizationRole& held = rulebook.organization_roles[role];
    return held.actions.has(action) && held.acts_on.test(target);
  });
}

RoleNames who_changes_in_space(const Rulebook& rulebook, const RoleSet& held) {
  return roles_in_space(rulebook, [&](RoleIndex role, const SpaceGrants& grants) {
    return effective_actions(rulebook, role, grants).has(Action::kAccessManage) &&
           (held & ~changeable_space_roles(rulebook, role, grants)).none();
  });
}

RoleNames who_ends_groups(const Rulebook& rulebook) {
  return organization_roles(rulebook, [&](RoleIndex role) {
    const OrganizationRole& held = rulebook.organization_roles[role];
    return held.actions.has(Action::kGroupManage) && !held.non_destructive;
  });
}

std::vector<Way> ways_to(const Rulebook& rulebook, const Lacking& lacking,
                         const NamedAction& action) {
  if (is_service_action(action)) {
    return {{"a service to which the action was given; no role has it", {}}};
  }
  std::vector<Way> ways;
  add_role_ways(rulebook, lacking, action, ways);
  if (!lacking.space.empty()) add_grant_ways(rulebook, lacking, action, ways);
  return ways;
}

}  // namespace tenure
