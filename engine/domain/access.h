// Who may do what where: effective permission, composed from roles, inheritance, direct grants and
// groups. The one place where permission is computed; pure, no allocation on the hot path.
//
// Who is in a space without being a member of the organization (a guest) has kNoRole there.
//
// The first part works on a rulebook and what somebody holds, so the read models compose with the
// same code from their rows; the second finds what somebody holds in an organization's state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/rulebook.h"
#include "engine/domain/state.h"

namespace tenure {

// What reaches somebody in one space beside their organization role: their direct grant and those
// of their groups.
struct SpaceGrants {
  bool any = false;  // at least one grant
  RoleSet roles;     // the space roles of all of them together
};

// True if a holder of the organization role sees every space, by an action or by inheritance.
bool sees_every_space(const OrganizationRole& role);

// All space roles somebody has in a space: the inherited one and the granted ones.
RoleSet effective_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                              const SpaceGrants& grants);

// All actions somebody has in a space. Empty if they see nothing of it.
ActionSet effective_actions(const Rulebook& rulebook, RoleIndex organization_role,
                            const SpaceGrants& grants);

// Exactly the space roles that somebody may give in a space.
RoleSet assignable_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                               const SpaceGrants& grants);

// What the rules of their effective space roles alone say: which roles those assign, and the
// holders of which they act on. One who inherits everything may give and change any.
RoleSet assigned_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                             const SpaceGrants& grants);
RoleSet changeable_space_roles(const Rulebook& rulebook, RoleIndex organization_role,
                               const SpaceGrants& grants);

// The member whose role somebody looks at.
struct RoleTarget {
  RoleIndex role;
  bool oneself;
  bool sole_owner;  // nobody else holds the owner role
};

// Exactly the organization roles that a holder of `actor` may give to the target, the held one
// included; without a target, to a new member.
RoleSet assignable_roles(const Rulebook& rulebook, RoleIndex actor,
                         const std::optional<RoleTarget>& target);

// A user's organization role: kNoRole for a guest. Nothing for strangers, for whoever is suspended,
// and in an organization that is deleted.
std::optional<RoleIndex> standing_of(const Organization& organization, std::string_view user);

// What somebody holds in the organization itself, outside any space. Empty for strangers.
ActionSet organization_actions(const Organization& organization, std::string_view user);

// `without`: as if that subject had no grant.
SpaceGrants grants_of(const Organization& organization, const Space& space, std::string_view user,
                      std::string_view without = {});

// What somebody holds in one space. Empty for strangers, for those who see nothing of it, and if it
// is deleted.
ActionSet space_actions(const Organization& organization, const Space& space,
                        std::string_view user);

// What a service holds by its grants: in the organization itself, or in one space of it. Empty for
// whoever was granted nothing there; of a rulebook's actions, those that it has.
ActionSet service_actions(const Service& service, const Rulebook& rulebook, std::string_view org);
ActionSet service_actions(const Service& service, const Rulebook& rulebook, std::string_view org,
                          std::string_view space);

// True if the user has a direct grant in some space.
bool has_grants(const Organization& organization, std::string_view user);

// True if `user` has any direct or group access in the space, or sees it by their organization
// role.
bool sees_space(const Organization& organization, const Space& space, std::string_view user);

// The check behind every question "may X do Y here?". `space` empty: in the organization itself.
// `action` as in RULES: "member.add", "resource.read:job". Denied for whatever does not exist.
bool is_allowed(const Organization& organization, std::string_view user, std::string_view action,
                std::string_view space);

// The names of what `actor` may give `target` (empty: a new member), highest first. Empty if the
// actor may give none, or may not act on the target.
std::vector<std::string> assignable_roles(const Organization& organization, std::string_view actor,
                                          std::string_view target);

}  // namespace tenure
