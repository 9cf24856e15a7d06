// check: may X do Y here, and because of what?
//
// The verdict is that of engine/domain/access.h over all that the user holds; the reasons are the
// role and the grants that have the action, each with the decision that gave it.
#include "projections/queries/permission.h"
#include "projections/queries/queries.h"
#include "projections/queries/standing.h"

namespace tenure {
namespace {

CheckAnswer denied(std::string rule) { return {.allowed = false, .because = {{rule, 0}}}; }

}  // namespace

std::string action_of(const CheckRequest& request) {
  std::string name(request.action);
  if (!request.type.empty()) name.append(":").append(request.type);
  return name;
}

Result<CheckAnswer> check(const QueryContext& context, const CheckRequest& request) {
  std::string_view user = request.user;
  if (user.starts_with("user:")) user.remove_prefix(5);
  TRY(need_view(context, request, user));

  auto organization = TRY(OrganizationRows::find(context, context.rows, request.org));
  auto membership = organization ? TRY(organization->standing(user)) : std::nullopt;
  if (!membership) return denied(no_active_member(user, request.org));
  const std::string name = action_of(request);
  const std::optional<NamedAction> action = parse_action(name, organization->rulebook());
  if (!action) return denied(organization->rulebook().pinned_name + " has no action " + name);

  Standing standing{*organization, std::move(*membership), !request.space.empty()};
  if (standing.in_space) {
    // The grants first: without any, most people see nothing of a space, and it need not be read.
    standing.grants = TRY(organization->grants(user, standing.membership, request.space));
    Row row;
    const schema::SpaceRow* space =
        standing.sees_space() ? TRY(organization->space(request.space, row)) : nullptr;
    if (space == nullptr || is_deleted(*space)) {
      return denied(no_space_seen(request.space, user, request.org));
    }
  }
  if (!standing.has(*action)) return denied(says_what_is_held(standing, name));
  return CheckAnswer{.allowed = true, .because = reasons_for(standing, *action, name)};
}

}  // namespace tenure
