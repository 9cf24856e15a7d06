#include "projections/explain/explanation.h"

#include "projections/queries/log_decision.h"
#include "projections/queries/query_support.h"

namespace tenure {

// A suspended member still hears that they are.
Result<Sight> sight_of(const QueryContext& context, std::string_view org) {
  if (context.viewer.sees_everything()) return Sight{true, true, true, {}};
  const Viewer& viewer = context.viewer;
  const bool by_user = viewer.service.empty();
  Sight sight{.own = by_user ? "user:" + viewer.user : "service:" + viewer.service};
  auto visible = VisibleOrganization::open(context, org);
  if (visible) {
    sight.belongs = true;
    sight.audit = visible->may(Action::kAuditRead);
    sight.people = sight.audit || visible->may(Action::kMemberView);
    return sight;
  }
  if (visible.error().kind != ErrorKind::kNotFound) return std::unexpected(visible.error());
  if (!by_user) return sight;
  const RowView& today = context.live_rows != nullptr ? *context.live_rows : context.rows;
  auto organization = TRY(OrganizationRows::find(context, today, org));
  if (!organization || organization->row().status()->string_view() == "deleted") return sight;
  sight.belongs = TRY(organization->membership(viewer.user)).has_value();
  return sight;
}

Result<void> write_evidence(AnswerWriter& out, std::string_view name,
                            const std::vector<Evidence>& list, const QueryContext& context,
                            const ExplainSources& sources, const Sight& sight) {
  out.begin_array(name);
  for (const Evidence& evidence : list) {
    out.begin_object().text("rule", evidence.rule);
    if (evidence.number) {
      const LogDecision found =
          TRY(read_decision(sources.log, sources.partition, *evidence.number));
      const schema::CommandEnvelope& command = *found.get().command_nested_root();
      const bool own = command.actor()->string_view() == sight.own;
      out.text("position", format_position({sources.partition, {*evidence.number}}));
      out.time("time", found.get().time());
      out.text("command_type", schema::EnumNameCommand(command.command_type()));
      if (sight.people || own) out.text("actor", command.actor());
      const bool told = (sight.audit || own) && command.reason() && context.unsealer != nullptr;
      if (told) {
        const auto reason = context.unsealer->unseal(*command.reason());
        if (reason) out.text("reason", *reason);
      }
    }
    out.end_object();
  }
  out.end_array();
  return {};
}

void write_ways(AnswerWriter& out, const std::vector<Way>& ways) {
  out.begin_array("would_allow");
  for (const Way& way : ways) {
    out.begin_object().text("how", way.how).begin_array("by");
    for (const std::string& role : way.by) out.text(role);
    out.end_array().end_object();
  }
  out.end_array();
}

}  // namespace tenure
