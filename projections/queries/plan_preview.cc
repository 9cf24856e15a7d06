// What a space's next invoice will say if it changes its plan now. The lines are computed where
// those of the invoice are, from the state that the rows of the space stand for.
#include "engine/domain/plan_preview.h"
#include "engine/domain/billing_rows.h"
#include "engine/domain/calendar.h"
#include "projections/queries/billing_answers.h"
#include "projections/queries/query_support.h"

namespace tenure {
namespace {

Result<void> read_space(const QueryContext& context, OrganizationRows& rows, std::string_view space,
                        Organization& into) {
  const Row row = TRY(subscription_of(context, rows, space));
  if (read_subscription(row.as<schema::SubscriptionRow>(), into.spaces[SpaceId(space)])) return {};
  return fail(ErrorKind::kUnsupported,
              "space " + std::string(space) + " has a status that this version does not know");
}

Result<void> read_counters(const QueryContext& context, OrganizationRows& rows,
                           std::string_view space, Space& into) {
  const std::string prefix = rows.keys().meters(space).str();
  constexpr size_t kMonthSize = 4;
  auto cursor = context.rows.scan(Family::kUsage, prefix);
  Row row;
  // From the first month on, past the gauges, which have none.
  for (cursor->seek(Key(prefix).big_endian(1, kMonthSize)); cursor->valid(); cursor->next()) {
    const std::string_view key = after_prefix(cursor->key(), prefix);
    Month month = 0;
    for (const char byte : key.substr(0, kMonthSize)) {
      month = month << 8 | static_cast<uint8_t>(byte);
    }
    row.assign(cursor->bytes());
    into.counters[{month, std::string(key.substr(kMonthSize))}] =
        counter_in(row.as<schema::MeterRow>());
  }
  return cursor->status();
}

// All that a preview of this space looks at.
Result<Organization> read_state(const QueryContext& context, OrganizationRows& rows,
                                std::string_view space) {
  Organization organization;
  organization.billing_mode = rows.row().billing_mode()->str();
  organization.currency = rows.row().currency()->str();
  Row row;
  if (TRY(context.rows.get(Family::kBilling, rows.keys().organization(), row))) {
    const auto& shared = row.as<schema::BillingRow>();
    organization.account = account_in(shared.account());
    if (shared.anchor()) organization.anchor = from_micros(*shared.anchor());
  }
  TRY(read_space(context, rows, space, organization));
  TRY(read_counters(context, rows, space, organization.spaces.find(space)->second));
  return organization;
}

void write_preview_lines(AnswerWriter& out, const PlanPreview& preview) {
  out.begin_array("lines");
  for (const ChargeLine& line : preview.lines) {
    out.begin_object().text("description", line.description).text("space", line.space);
    out.number("quantity", line.quantity).amount("amount_minor", line.amount);
    out.time("from", to_micros(line.from)).time("to", to_micros(line.to)).end_object();
  }
  out.end_array();
}

}  // namespace

Result<std::string> get_plan_preview(const QueryContext& context, const Catalog& catalog,
                                     std::string_view org, std::string_view space,
                                     std::string_view plan) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const schema::Plan* wanted = catalog.find(plan);
  if (wanted == nullptr) {
    return fail(ErrorKind::kInvalid, "plan must be one of " + catalog.plan_names());
  }
  const Organization state = TRY(read_state(context, organization.rows(), space));
  if (auto why_not = why_not_sold(catalog, *wanted, state.currency)) {
    return fail(ErrorKind::kInvalid, *std::move(why_not));
  }
  const PlanPreview preview =
      preview_change(state, space, state.spaces.find(space)->second, *wanted,
                     now_in(context, organization.rows()), catalog);
  AnswerWriter out;
  out.begin_object().text("plan", wanted->name());
  out.time("effective", to_micros(preview.effective));
  out.time("period_to", to_micros(preview.period_to));
  write_preview_lines(out, preview);
  out.amount("net_minor", preview.net).amount("tax_minor", preview.tax);
  out.amount("total_minor", preview.total()).text("currency", state.currency);
  TRY(write_limits(out, context, organization.rows(), space, *wanted));
  return out.end_object().take();
}

}  // namespace tenure
