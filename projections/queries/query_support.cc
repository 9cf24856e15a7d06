#include "projections/queries/query_support.h"

#include <algorithm>

#include "engine/domain/billing_rows.h"
#include "engine/domain/calendar.h"

namespace tenure {
namespace {

std::unexpected<Error> unseen(std::string_view org) {
  return fail(ErrorKind::kNotFound, "no organization " + std::string(org) +
                                        ", or none that whoever asks may see; check its name");
}

// A plan that was taken away suspends no more.
DunningStep worse(DunningStep a, DunningStep b) {
  if (a == DunningStep::kSuspended || b == DunningStep::kSuspended) return DunningStep::kSuspended;
  return std::max(a, b);
}

}  // namespace

ActionSet every_action(const Rulebook& rulebook) {
  ActionSet actions = rulebook.every_resource_action;
  for (size_t action = 0; action < kActionCount; ++action) {
    actions.add(static_cast<Action>(action));
  }
  return actions;
}

Result<VisibleOrganization> VisibleOrganization::open(const QueryContext& context,
                                                      std::string_view org) {
  return open(context, org, false);
}

Result<VisibleOrganization> VisibleOrganization::open_invoices(const QueryContext& context,
                                                               std::string_view org) {
  return open(context, org, true);
}

Result<VisibleOrganization> VisibleOrganization::open(const QueryContext& context,
                                                      std::string_view org, bool for_invoices) {
  auto found = TRY(OrganizationRows::find(context, context.rows, org));
  if (!found) return unseen(org);
  VisibleOrganization visible(std::move(*found));
  if (context.viewer.sees_everything()) {
    visible.actions_ = every_action(visible.rows_.rulebook());
    return visible;
  }
  const RowView& today = context.live_rows ? *context.live_rows : context.rows;
  visible.today_ = TRY(OrganizationRows::find(context, today, org));
  if (!visible.today_) return unseen(org);
  const bool by_user = context.viewer.service.empty();
  TRY(by_user ? visible.stand_as_user(context.viewer, for_invoices)
              : visible.stand_as_service(context.viewer));
  return visible;
}

Result<void> need_visible(const QueryContext& context, std::string_view org) {
  TRY(VisibleOrganization::open(context, org));
  return {};
}

Result<void> VisibleOrganization::stand_as_user(const Viewer& viewer, bool for_invoices) {
  viewer_ = viewer.user;
  auto standing = TRY(today_->standing(viewer_));
  if (!standing && for_invoices && today_->row().status()->string_view() == "deleted") {
    standing = TRY(today_->membership(viewer_));
    const bool owns = standing && standing->role == today_->rulebook().owner_role;
    if (!owns || standing->suspended) standing.reset();
  }
  if (!standing) return unseen(rows_.org());
  TRY(need_sign_in(*today_, *standing, viewer));
  membership_ = *standing;
  actions_ = today_->role(membership_).actions;
  return {};
}

Result<void> VisibleOrganization::stand_as_service(const Viewer& viewer) {
  granted_ = find_service(viewer.services.get(), viewer.service);
  const bool stands = granted_ != nullptr && granted_->touches(rows_.org());
  if (!stands || today_->row().status()->string_view() == "deleted") return unseen(rows_.org());
  actions_ = service_actions(*granted_, today_->rulebook(), rows_.org());
  return {};
}

Result<ActionSet> VisibleOrganization::actions_in(std::string_view space) {
  if (!today_) return actions_;
  if (granted_ != nullptr) {
    return service_actions(*granted_, today_->rulebook(), rows_.org(), space);
  }
  return effective_actions(today_->rulebook(), membership_.role,
                           composed(TRY(today_->grants(viewer_, membership_, space))));
}

Result<void> VisibleOrganization::need(Action action) const {
  if (may(action)) return {};
  return fail(ErrorKind::kNotFound,
              "nothing in " + std::string(rows_.org()) + " that you may see here");
}

Result<ActionSet> VisibleOrganization::need_in(std::string_view space, Action action) {
  Row row;
  const schema::SpaceRow* found = TRY(rows_.space(space, row));
  ActionSet actions = TRY(actions_in(space));
  const bool gone = found == nullptr || (today_ && is_deleted(*found));
  if (gone || !actions.has(Action::kSpaceView) || !actions.has(action)) {
    return fail(ErrorKind::kNotFound,
                "no space " + std::string(space) + " in " + std::string(rows_.org()));
  }
  return actions;
}

// As decide has it: guests and services come by other ways than the organization's own.
Result<void> need_sign_in(const OrganizationRows& organization, const Membership& membership,
                          const Viewer& viewer) {
  const schema::ConfigureSso* sso = organization.row().sso();
  if (sso == nullptr || !sso->enforced() || membership.role == kNoRole) return {};
  if (viewer.sign_in == sso->issuer()->string_view()) return {};
  return fail(ErrorKind::kSignIn, "sign in by " + sso->issuer()->str() + ", then ask again");
}

Result<Row> subscription_of(const QueryContext& context, OrganizationRows& organization,
                            std::string_view space) {
  Row row;
  if (!TRY(context.rows.get(Family::kBilling, organization.keys().subscription(space), row))) {
    return fail(ErrorKind::kCorrupt, "space " + std::string(space) +
                                         " has no subscription row; rebuild the read models");
  }
  return row;
}

Time now_in(const QueryContext& context, const OrganizationRows& organization) {
  const auto clock = organization.row().clock();
  return clock ? from_micros(*clock) : context.now;
}

Minor credits_used(const schema::SubscriptionRow& row, Time now) {
  return row.credits_used_month() == month_of(now) ? row.credits_used_minor() : 0;
}

DunningStep Debts::of(std::string_view space) const {
  const auto own = of_space.find(space);
  return own == of_space.end() ? of_all : worse(of_all, own->second);
}

Result<Debts> read_debts(OrganizationRows& organization) {
  Debts debts;
  auto cursor =
      organization.view().scan(Family::kBilling, organization.keys().invoice_states().str());
  Row row;
  for (; cursor->valid(); cursor->next()) {
    row.assign(cursor->bytes());
    const Invoice invoice = invoice_in(row.as<schema::InvoiceRow>());
    if (invoice.step == DunningStep::kNone) continue;
    DunningStep& step =
        invoice.space.str().empty() ? debts.of_all : debts.of_space[invoice.space.str()];
    step = worse(step, invoice.step);
  }
  TRY(cursor->status());
  return debts;
}

Result<void> check_page(const Page& page) {
  if (page.limit >= 1 && page.limit <= kMaxPage) return {};
  return fail(ErrorKind::kInvalid, "limit must be 1 to 5000");
}

std::string page_start(std::string_view prefix, const Page& page) {
  std::string start(prefix);
  if (!page.cursor.empty()) start.append(page.cursor).push_back('\0');
  return start;
}

std::optional<AccessSummary> summarize(const OrganizationRows& organization,
                                       const Membership& membership,
                                       const std::vector<Grant>& grants) {
  const Rulebook& rulebook = organization.rulebook();
  const OrganizationRole& role = organization.role(membership);
  SpaceGrants together = composed(grants);
  if (!together.any && !sees_every_space(role)) return std::nullopt;

  AccessSummary summary;
  if (role.inherits_all ||
      (together.any && together.roles.none() && rulebook.access_without_role_is_all)) {
    summary.roles.push_back("all");
  }
  // A level that a higher one held contains adds nothing: the effective one is the highest.
  ActionSet listed;
  RoleSet held = effective_space_roles(rulebook, membership.role, together);
  for (size_t index = 0; index < rulebook.space_roles.size(); ++index) {
    const SpaceRole& level = rulebook.space_roles[index];
    if (!held.test(index) || listed.contains(level.actions)) continue;
    summary.roles.push_back(level.name);
    listed |= level.actions;
  }
  if (summary.roles.empty()) summary.roles.push_back(role.name);

  for (const Grant& grant : grants) {
    summary.via.push_back(grant.through_group() ? grant.subject : "direct");
  }
  if (sees_every_space(role)) summary.via.push_back("role:" + role.name);
  return summary;
}

void write_access(AnswerWriter& out, const AccessSummary& access) {
  out.begin_array("roles");
  for (const std::string& role : access.roles) out.text(role);
  out.end_array().begin_array("via");
  for (const std::string& via : access.via) out.text(via);
  out.end_array();
}

void write_personal(AnswerWriter& out, const QueryContext& context, std::string_view name,
                    const schema::Sealed* sealed) {
  if (sealed == nullptr || context.unsealer == nullptr) return;
  if (const auto clear = context.unsealer->unseal(*sealed)) out.text(name, *clear);
}

std::string_view status_of(const schema::InvitationRow& row, Time now) {
  const std::string_view status = row.status()->string_view();
  return status == "pending" && now >= from_micros(row.expires()) ? "expired" : status;
}

void write_invitation(AnswerWriter& out, const QueryContext& context, std::string_view id,
                      const schema::InvitationRow& row) {
  out.text("invitation", id).text("user", row.user()).text("role", row.role());
  out.text("space", row.space()).begin_array("space_roles");
  if (row.space_roles() != nullptr) {
    for (const auto* role : *row.space_roles()) out.text(role->string_view());
  }
  out.end_array().text("status", status_of(row, context.now)).time("expires", row.expires());
  write_personal(out, context, "email", row.email());
}

std::string finish_page(AnswerWriter& out, std::string_view next) {
  if (next.empty()) {
    out.null("next");
  } else {
    out.text("next", next);
  }
  return out.end_object().take();
}

}  // namespace tenure
