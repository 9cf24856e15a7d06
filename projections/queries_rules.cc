// What an organization's people may be given, and were offered: space roles, plans, invitations.
#include "engine/domain/catalog.h"
#include "projections/query_support.h"

namespace tenure {
namespace {

void write_texts(AnswerWriter& out, std::string_view name, const auto* texts) {
  out.begin_array(name);
  if (texts != nullptr) {
    for (const auto* text : *texts) out.text(text->string_view());
  }
  out.end_array();
}

// A pending invitation whose time is over is shown as what it is, though nobody recorded it yet.
std::string_view status_of(const schema::InvitationRow& row, Time now) {
  const std::string_view status = row.status()->string_view();
  return status == "pending" && now >= from_micros(row.expires()) ? "expired" : status;
}

void write_invitation(AnswerWriter& out, std::string_view id, const schema::InvitationRow& row,
                      Time now) {
  out.text("invitation", id).text("user", row.user()).text("role", row.role());
  out.text("space", row.space());
  write_texts(out, "space_roles", row.space_roles());
  out.text("status", status_of(row, now)).time("expires", row.expires());
}

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
    bool visible = organization.may(Action::kMemberView);
    if (!visible && invitation.space() != nullptr) {
      const ActionSet there = TRY(organization.actions_in(invitation.space()->string_view()));
      visible = there.has(Action::kAccessManage);
    }
    if (!visible) return false;
    out.begin_object();
    write_invitation(out, id, invitation, context.now);
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

// Those that the user can still answer, of all organizations. The page's cursor is
// `org/invitation`.
Result<std::string> get_user_invitations(const QueryContext& context, std::string_view user,
                                         const Page& page) {
  TRY(check_page(page));
  if (!context.viewer.sees_everything() && !context.viewer.is(user)) {
    return fail(ErrorKind::kNotFound, "no user " + std::string(user));
  }
  const size_t slash = page.cursor.find('/');
  const std::string after_org = page.cursor.substr(0, slash);
  const std::string after = slash == std::string::npos ? "" : page.cursor.substr(slash + 1);
  AnswerWriter out;
  out.begin_object().begin_array("invitations");
  std::string last;
  size_t shown = 0;
  bool more = false;
  const Key organizations = user_organizations_key(user);
  auto at = context.rows.scan(Family::kMembership, organizations);
  for (at->seek(user_organization_key(user, after_org)); at->valid() && !more; at->next()) {
    const std::string org(after_prefix(at->key(), organizations));
    Keys keys(org);
    const std::string prefix = keys.user_invitations(user).str();
    auto held = context.rows.scan(Family::kMembership, prefix);
    if (org == after_org) held->seek(page_start(prefix, {.limit = 1, .cursor = after}));
    for (; held->valid(); held->next()) {
      const std::string id(after_prefix(held->key(), prefix));
      Row row;
      if (!TRY(context.rows.get(Family::kMembership, keys.invitation(id), row))) continue;
      const auto& invitation = row.as<schema::InvitationRow>();
      if (status_of(invitation, context.now) != "pending") continue;
      more = shown == page.limit;
      if (more) break;
      out.begin_object().text("org", org);
      write_invitation(out, id, invitation, context.now);
      out.end_object();
      last.assign(org).append("/").append(id);
      ++shown;
    }
    TRY(held->status());
  }
  TRY(at->status());
  out.end_array();
  return finish_page(out, more ? last : "");
}

}  // namespace tenure
