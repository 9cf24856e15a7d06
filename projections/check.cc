// check: may X do Y here, and because of what?
//
// The verdict is that of engine/domain/access.h over all that the user holds; the reasons are the
// role and the grants that have the action, each with the decision that gave it.
#include "projections/permission.h"
#include "projections/queries.h"
#include "projections/query_support.h"

namespace tenure {
namespace {

bool holds(const ActionSet& actions, const NamedAction& action) {
  return action.plain ? actions.has(*action.plain) : actions.has(action.verb, action.type);
}

CheckAnswer denied(std::string rule, uint64_t number = 0) {
  return {.allowed = false, .because = {{std::move(rule), number}}};
}

// A user's standing where the question is asked.
struct Standing {
  OrganizationRows& organization;
  Membership membership;
  std::vector<Grant> grants;  // in the space asked about
};

std::string level_names(const Rulebook& rulebook, const RoleSet& roles) {
  return roles.none() ? "access without a role" : rulebook.space_role_names(roles);
}

// What the organization role alone gives.
void add_role_reason(const Standing& standing, const NamedAction& action, std::string_view name,
                     std::vector<CheckReason>& because) {
  const Rulebook& rulebook = standing.organization.rulebook();
  const OrganizationRole& role = standing.organization.role(standing.membership);
  std::string rule = rulebook.pinned_name + " " + role.name;
  if (!holds(role.actions, action) && role.inherits != kNoRole) {
    rule += " inherits " + rulebook.space_roles[role.inherits].name + ", which";
  }
  because.push_back({rule + " has " + std::string(name), standing.membership.number});
}

void add_grant_reason(const Standing& standing, const Grant& grant, std::string_view name,
                      std::vector<CheckReason>& because) {
  const Rulebook& rulebook = standing.organization.rulebook();
  std::string rule = rulebook.pinned_name + " " + level_names(rulebook, grant.roles) +
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

CheckAnswer answer_in_space(const Standing& standing, const NamedAction& action,
                            std::string_view name) {
  const Rulebook& rulebook = standing.organization.rulebook();
  SpaceGrants together = composed(standing.grants);
  CheckAnswer answer;
  answer.allowed = holds(effective_actions(rulebook, standing.membership.role, together), action);
  if (!answer.allowed) return answer;
  if (holds(standing.organization.role(standing.membership).power, action)) {
    add_role_reason(standing, action, name, answer.because);
  }
  for (const Grant& grant : standing.grants) {
    if (holds(given_by(rulebook, grant, together), action)) {
      add_grant_reason(standing, grant, name, answer.because);
    }
  }
  return answer;
}

// Who asks about somebody else must see who holds what.
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

std::string describe(const Standing& standing, std::string_view name) {
  const Rulebook& rulebook = standing.organization.rulebook();
  std::string held = standing.organization.role(standing.membership).name;
  for (const Grant& grant : standing.grants) {
    held += ", " + level_names(rulebook, grant.roles) +
            (grant.through_group() ? " of " + grant.subject : "");
  }
  return rulebook.pinned_name + " " + held + " has no " + std::string(name);
}

}  // namespace

Result<CheckAnswer> check(const QueryContext& context, const CheckRequest& request) {
  std::string_view user = request.user;
  if (user.starts_with("user:")) user.remove_prefix(5);
  TRY(need_view(context, request, user));

  auto organization = TRY(OrganizationRows::find(context, context.rows, request.org));
  auto membership = organization ? TRY(organization->standing(user)) : std::nullopt;
  if (!membership) {
    return denied(std::string(user) + " is not an active member of " + std::string(request.org));
  }
  std::string name(request.action);
  if (!request.type.empty()) name.append(":").append(request.type);
  std::optional<NamedAction> action = parse_action(name, organization->rulebook());
  if (!action) return denied(organization->rulebook().pinned_name + " has no action " + name);

  Standing standing{*organization, *membership, {}};
  CheckAnswer answer;
  if (request.space.empty()) {
    answer.allowed = holds(organization->role(*membership).actions, *action);
    if (answer.allowed) add_role_reason(standing, *action, name, answer.because);
  } else {
    Row row;
    const schema::SpaceRow* space = TRY(organization->space(request.space, row));
    if (space == nullptr || is_deleted(*space)) {
      return denied("no space " + std::string(request.space) + " that " + std::string(user) +
                    " sees in " + std::string(request.org));
    }
    standing.grants = TRY(organization->grants(user, *membership, request.space));
    answer = answer_in_space(standing, *action, name);
  }
  if (!answer.allowed) return denied(describe(standing, name), membership->number);
  return answer;
}

}  // namespace tenure
