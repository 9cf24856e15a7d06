#include "projections/queries/standing.h"

#include "projections/queries/query_support.h"

namespace tenure {
namespace {

// What the organization role alone gives.
CheckReason role_reason(const Standing& standing, const NamedAction& action,
                        std::string_view name) {
  const OrganizationRole& role = standing.role();
  std::string rule = standing.rulebook().pinned_name + " " + role.name;
  if (!holds(role.actions, action) && role.inherits != kNoRole) {
    rule += " inherits " + standing.rulebook().space_roles[role.inherits].name + ", which";
  }
  return {rule + " has " + std::string(name), standing.membership.number};
}

void add_grant_reason(const Standing& standing, const Grant& grant, std::string_view name,
                      std::vector<CheckReason>& because) {
  std::string rule = standing.rulebook().pinned_name + " " +
                     level_names(standing.rulebook(), grant.roles) +
                     (grant.through_group() ? " of " + grant.subject : " held directly");
  because.push_back({rule + " has " + std::string(name), grant.number});
  if (grant.through_group()) because.push_back({"member of " + grant.subject, grant.joined});
}

// What one grant gives: to see the space in any case. One without a role means all, unless another
// grant names a role.
ActionSet given_by(const Rulebook& rulebook, const Grant& grant, const SpaceGrants& together) {
  ActionSet actions;
  actions.add(Action::kSpaceView);
  for (size_t role = 0; role < rulebook.space_roles.size(); ++role) {
    if (grant.roles.test(role)) actions |= rulebook.space_roles[role].actions;
  }
  if (together.roles.none() && rulebook.access_without_role_is_all) {
    actions |= rulebook.every_resource_action;
  }
  return actions;
}

}  // namespace

bool Standing::has(const NamedAction& action) const {
  if (!in_space) return holds(role().actions, action);
  return holds(effective_actions(rulebook(), membership.role, composed(grants)), action);
}

bool holds(const ActionSet& actions, const NamedAction& action) {
  return action.plain ? actions.has(*action.plain) : actions.has(action.verb, action.type);
}

std::string level_names(const Rulebook& rulebook, const RoleSet& roles) {
  return roles.none() ? "access without a role" : rulebook.space_role_names(roles);
}

std::vector<CheckReason> reasons_for(const Standing& standing, const NamedAction& action,
                                     std::string_view name) {
  const OrganizationRole& role = standing.role();
  std::vector<CheckReason> because;
  if (holds(standing.in_space ? role.power : role.actions, action)) {
    because.push_back(role_reason(standing, action, name));
  }
  const SpaceGrants together = composed(standing.grants);
  for (const Grant& grant : standing.grants) {
    if (holds(given_by(standing.rulebook(), grant, together), action)) {
      add_grant_reason(standing, grant, name, because);
    }
  }
  return because;
}

std::string says_what_is_held(const Standing& standing, std::string_view name) {
  const Rulebook& rulebook = standing.rulebook();
  std::string held = standing.role().name;
  for (const Grant& grant : standing.grants) {
    held += ", " + level_names(rulebook, grant.roles) +
            (grant.through_group() ? " of " + grant.subject : "");
  }
  return rulebook.pinned_name + " " + held + " has no " + std::string(name);
}

Result<void> need_view(const QueryContext& context, const CheckRequest& request,
                       std::string_view user) {
  if (context.viewer.sees_everything()) return {};
  auto organization = VisibleOrganization::open(context, request.org);
  // Of oneself, what is not there is denied and not hidden.
  const bool oneself = context.viewer.is(user);
  if (oneself && (organization || organization.error().kind == ErrorKind::kNotFound)) return {};
  if (!organization) return std::unexpected(organization.error());
  TRY(organization->need(Action::kMemberView));
  if (!request.space.empty()) TRY(organization->need_in(request.space, Action::kAccessView));
  return {};
}

std::string no_active_member(std::string_view user, std::string_view org) {
  return std::string(user) + " is not an active member of " + std::string(org);
}

std::string no_space_seen(std::string_view space, std::string_view user, std::string_view org) {
  std::string text;
  text.reserve(space.size() + user.size() + org.size() + 32);
  return text.append("no space ")
      .append(space)
      .append(" that ")
      .append(user)
      .append(" sees in ")
      .append(org);
}

}  // namespace tenure
