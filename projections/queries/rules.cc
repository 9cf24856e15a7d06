// What an organization's people may be given, and were offered: space roles, plans, invitations.
#include "engine/domain/catalog.h"
#include "projections/queries/query_support.h"

namespace tenure {
namespace {

void write_meter(AnswerWriter& out, const schema::MeterTerms& terms) {
  out.begin_object().text("meter", terms.meter());
  out.text("kind", schema::EnumNameMeterKind(terms.kind()));
  out.number("limit", std::optional<uint64_t>(terms.limit())).begin_array("tiers");
  if (terms.tiers() != nullptr) {
    for (const schema::PriceTier* tier : *terms.tiers()) {
      out.begin_object().number("from", tier->from()).number("unit", tier->unit());
      out.number("amount_minor", static_cast<uint64_t>(tier->amount_minor())).end_object();
    }
  }
  out.end_array().end_object();
}

}  // namespace

// Those to the organization for who views its members, those to a space for who manages its access.
Result<std::string> get_invitations(const QueryContext& context, std::string_view org,
                                    const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  auto write = [&](AnswerWriter& out, std::string_view id, const Row& row) -> Result<bool> {
    const auto& invitation = row.as<schema::InvitationRow>();
    if (invitation.space() == nullptr) {
      if (!organization.may(Action::kMemberView)) return false;
    } else if (!TRY(organization.actions_in(invitation.space()->string_view()))
                    .has(Action::kAccessManage)) {
      return false;
    }
    out.begin_object();
    write_invitation(out, context, id, invitation);
    out.end_object();
    return true;
  };
  return write_page(context.rows, organization->keys().invitations().str(), "invitations", page,
                    write);
}

Result<std::string> get_space_roles(const QueryContext& context, std::string_view org) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  const Rulebook& rulebook = organization->rulebook();
  AnswerWriter out;
  out.begin_object().begin_array("space_roles");
  for (const SpaceRole& role : rulebook.space_roles) {
    out.begin_object().text("role", role.name).begin_array("actions");
    for (const std::string& action : action_names(role.actions, rulebook)) out.text(action);
    out.end_array().boolean("custom", role.custom).end_object();
  }
  return out.end_array().end_object().take();
}

Result<std::string> get_plans(const QueryContext& context, const Catalog& catalog,
                              std::string_view org) {
  TRY(VisibleOrganization::open(context, org));
  AnswerWriter out;
  out.begin_object().begin_array("plans");
  for (const schema::Plan* plan : catalog.plans()) {
    out.begin_object().text("plan", plan->name());
    out.number("price_minor", static_cast<uint64_t>(plan->price_minor()));
    out.text("currency", catalog.currency()).number("period_months", plan->period_months());
    out.begin_array("meters");
    for (const schema::MeterTerms* terms : *plan->meters()) write_meter(out, *terms);
    out.end_array().end_object();
  }
  return out.end_array().end_object().take();
}

}  // namespace tenure
