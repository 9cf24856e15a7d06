// What a user holds where a question is asked, and which of it has an action: what check and
// explain say. One thread; the organization must outlive it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "projections/queries/permission.h"
#include "projections/queries/queries.h"

namespace tenure {

// In the organization itself, or in one space of it.
struct Standing {
  OrganizationRows& organization;
  Membership membership;
  bool in_space = false;
  std::vector<Grant> grants = {};  // in that space

  const Rulebook& rulebook() const { return organization.rulebook(); }
  const OrganizationRole& role() const { return organization.role(membership); }
  bool sees_space() const { return !grants.empty() || sees_every_space(role()); }
  bool has(const NamedAction& action) const;
};

bool holds(const ActionSet& actions, const NamedAction& action);

// The roles of a grant, as people name them: "Admin", or that there are none.
std::string level_names(const Rulebook& rulebook, const RoleSet& roles);

// What gives the action, which the standing has: the organization role, then each grant, with the
// decisions behind them. `name`: the action's.
std::vector<CheckReason> reasons_for(const Standing& standing, const NamedAction& action,
                                     std::string_view name);

// Of a denial: all that is held, and that the action is not in it.
std::string says_what_is_held(const Standing& standing, std::string_view name);

// Who asks about somebody else must see who holds what. kNotFound.
Result<void> need_view(const QueryContext& context, const CheckRequest& request,
                       std::string_view user);

// What is said of whoever is nobody there, and of a space that is none to them: the same, whether
// it exists or not.
std::string no_active_member(std::string_view user, std::string_view org);
std::string no_space_seen(std::string_view space, std::string_view user, std::string_view org);

}  // namespace tenure
