#include "projections/explain/explanation.h"
#include "projections/queries/standing.h"

namespace tenure {
namespace {

// What an outsider is told, of any organization.
Explanation of_an_outsider(std::string_view user, std::string_view org) {
  return {.because = {{no_active_member(user, org), {}}},
          .would_allow = {{"ask somebody who belongs there to be added or invited", {}}}};
}

}  // namespace

Result<std::string> explain_check(const QueryContext& context, const ExplainSources& sources,
                                  const CheckRequest& request) {
  std::string_view user = request.user;
  if (user.starts_with("user:")) user.remove_prefix(5);
  TRY(need_view(context, request, user));
  const Sight sight = TRY(sight_of(context, request.org));
  std::optional<OrganizationRows> organization;
  if (sight.belongs) organization = TRY(OrganizationRows::find(context, context.rows, request.org));

  Explanation told = of_an_outsider(user, request.org);
  if (organization) {
    told = TRY(explain_standing(*organization, {.user = std::string(user),
                                                .action = action_of(request),
                                                .space = std::string(request.space),
                                                .hide_unseen = context.viewer.is(user)}));
  }
  AnswerWriter out;
  out.begin_object().text("org", request.org).text("user", user);
  out.text("action", action_of(request));
  if (!request.space.empty()) out.text("space", request.space);
  if (organization) {
    out.text("rulebook", organization->row().rulebook());
    out.number("version", organization->row().version());
  }
  out.boolean("allowed", told.allowed);
  TRY(write_evidence(out, "because", told.because, context, sources, sight));
  TRY(write_evidence(out, "notes", told.notes, context, sources, sight));
  write_ways(out, told.would_allow);
  return out.end_object().take();
}

}  // namespace tenure
