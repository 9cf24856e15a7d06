#include "projections/query_support.h"

#include <algorithm>

#include "engine/domain/billing_rows.h"

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
  auto found = TRY(OrganizationRows::find(context, context.rows, org));
  if (!found) return unseen(org);
  VisibleOrganization visible(std::move(*found));
  if (context.viewer.sees_everything()) {
    visible.actions_ = every_action(visible.rows_.rulebook());
    return visible;
  }
  visible.viewer_ = context.viewer.user;
  const RowView& today = context.live_rows ? *context.live_rows : context.rows;
  visible.today_ = TRY(OrganizationRows::find(context, today, org));
  if (!visible.today_) return unseen(org);
  auto standing = TRY(visible.today_->standing(visible.viewer_));
  if (!standing) return unseen(org);
  visible.membership_ = *standing;
  visible.actions_ = visible.today_->role(*standing).actions;
  return visible;
}

Result<ActionSet> VisibleOrganization::actions_in(std::string_view space) {
  if (!today_) return actions_;
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

Result<Row> subscription_of(const QueryContext& context, OrganizationRows& organization,
                            std::string_view space) {
  Row row;
  if (!TRY(context.rows.get(Family::kBilling, organization.keys().subscription(space), row))) {
    return fail(ErrorKind::kCorrupt, "space " + std::string(space) +
                                         " has no subscription row; rebuild the read models");
  }
  return row;
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

std::string finish_page(AnswerWriter& out, std::string_view next) {
  if (next.empty()) {
    out.null("next");
  } else {
    out.text("next", next);
  }
  return out.end_object().take();
}

}  // namespace tenure
