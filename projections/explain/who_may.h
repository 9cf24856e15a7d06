// Which roles could have done, or could give, what somebody lacked: read from the rulebook alone,
// by the same functions that decide. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/domain/access.h"
#include "engine/domain/rulebook.h"

namespace tenure {

// Names of roles, highest first: "ADMIN" of the organization, "space role Admin" in the space.
using RoleNames = std::vector<std::string>;

// Who gives an organization role to a member who holds `held`; without it, to somebody new.
RoleNames who_gives(const Rulebook& rulebook, RoleIndex role, std::optional<RoleIndex> held);
// Who gives these space roles in a space; none: access without a role.
RoleNames who_gives_in_space(const Rulebook& rulebook, const RoleSet& roles);
// Whose role has the action: in the organization itself, or in a space.
RoleNames who_has(const Rulebook& rulebook, const NamedAction& action, bool in_space);
// The organization roles that have the action and act on holders of `target`.
RoleNames who_acts_on(const Rulebook& rulebook, Action action, RoleIndex target);
// And the roles that may change the access of somebody who holds `held` in a space.
RoleNames who_changes_in_space(const Rulebook& rulebook, const RoleSet& held);
// The organization roles that delete groups and remove from them.
RoleNames who_ends_groups(const Rulebook& rulebook);

// A way to what was refused: what has to be done, and who may do it.
struct Way {
  std::string how;  // "ChangeRole eve to MANAGER"
  RoleNames by;
};

// Somebody who lacks an action, and what they hold.
struct Lacking {
  std::string user;
  std::optional<RoleIndex> role;       // of the organization; nothing: not a member
  std::string space;                   // where it is lacked; empty: in the organization itself
  std::optional<RoleSet> direct = {};  // their direct grant there
  bool role_by_group = false;          // a grant of their groups names a role
};
// The roles that have the action, each with who may give it to them.
std::vector<Way> ways_to(const Rulebook& rulebook, const Lacking& lacking,
                         const NamedAction& action);

}  // namespace tenure
