// Who may do what where: effective permission, composed from roles, inheritance, direct grants and
// groups. The one place where permission is computed in the domain; pure, no allocation on the hot
// path.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/rejections.h"
#include "engine/domain/state.h"

namespace tenure {

// What somebody holds in the organization itself, outside any space. Empty for strangers and
// suspended members.
ActionSet organization_actions(const Organization& organization, std::string_view user);

// What somebody holds in one space: their organization role's actions, the space role it inherits,
// their direct grant and those of their groups, the highest of each. Empty when they see nothing of
// it.
ActionSet space_actions(const Organization& organization, const Space& space,
                        std::string_view user);

// True if `user` has any direct or group access in the space, or sees it by their organization
// role.
bool sees_space(const Organization& organization, const Space& space, std::string_view user);

// The check behind every question "may X do Y here?". `space` empty: in the organization itself.
// `action` as in RULES: "member.add", "resource.read:job". Denied for whatever does not exist.
bool is_allowed(const Organization& organization, std::string_view user, std::string_view action,
                std::string_view space);

// Exactly the roles that `actor` may give `target` (empty: a new member), the held one included,
// highest first. Empty if the actor may give none, or may not act on the target.
std::vector<std::string> assignable_roles(const Organization& organization, std::string_view actor,
                                          std::string_view target);

}  // namespace tenure
