#include "engine/domain/billing_rows.h"

#include <algorithm>

#include "engine/domain/plan_copy.h"
#include "engine/domain/text.h"

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;
template <class Table>
using RowOffset = flatbuffers::Offset<Table>;

flatbuffers::Optional<int64_t> micros_of(const std::optional<Time>& time) {
  return time ? flatbuffers::Optional<int64_t>(to_micros(*time)) : flatbuffers::nullopt;
}

std::optional<Time> time_in(const flatbuffers::Optional<int64_t>& micros) {
  return micros ? std::optional(from_micros(*micros)) : std::nullopt;
}

auto stretch_rows(FlatBufferBuilder& builder, const Space& space) {
  std::vector<RowOffset<schema::StretchRow>> rows;
  for (const Stretch& stretch : space.stretches) {
    const auto terms = copy_plan(builder, stretch.terms.get());
    rows.push_back(
        schema::CreateStretchRow(builder, terms, to_micros(stretch.from), stretch.began.value));
  }
  return builder.CreateVector(rows);
}

auto period_rows(FlatBufferBuilder& builder, const Space& space) {
  std::vector<RowOffset<schema::PeriodRow>> rows;
  rows.reserve(space.periods.size());
  for (const Period& period : space.periods) {
    rows.push_back(schema::CreatePeriodRow(builder, to_micros(period.from), to_micros(period.to),
                                           to_micros(period.whole_from), to_micros(period.whole_to),
                                           to_micros(period.issue_at), period.consolidated,
                                           period.settled));
  }
  return builder.CreateVector(rows);
}

auto cap_rows(FlatBufferBuilder& builder, const Space& space) {
  std::vector<RowOffset<schema::SpendingCap>> rows;
  rows.reserve(space.caps.size());
  for (const auto& [meter, amount] : space.caps) {
    rows.push_back(schema::CreateSpendingCap(builder, builder.CreateString(meter), amount));
  }
  return builder.CreateVector(rows);
}

auto top_up_rows(FlatBufferBuilder& builder, const Space& space) {
  std::vector<RowOffset<schema::TopUpRow>> rows;
  for (const auto& [checkout, top_up] : space.top_ups) {
    const auto checkout_text = builder.CreateString(checkout.str());
    const auto grant = builder.CreateString(top_up.grant.str());
    const auto country = builder.CreateString(top_up.tax.country);
    rows.push_back(schema::CreateTopUpRow(
        builder, checkout_text, grant, top_up.amount, micros_of(top_up.expires), top_up.priority,
        to_micros(top_up.checkout_expires), top_up.requested.value, country,
        top_up.tax.hundredths_of_percent));
  }
  return builder.CreateVector(rows);
}

void read_top_ups(const schema::SubscriptionRow& row, Space& space) {
  if (row.top_ups() == nullptr) return;
  for (const schema::TopUpRow* held : *row.top_ups()) {
    space.top_ups[CheckoutId(text(held->checkout()))] = {
        .grant = GrantId(text(held->grant())),
        .amount = held->amount_minor(),
        .expires = time_in(held->expires()),
        .priority = held->priority(),
        .checkout_expires = from_micros(held->checkout_expires()),
        .requested = Number{held->number()},
        .tax = {std::string(text(held->country())), held->tax_hundredths_of_percent()}};
  }
}

void read_past(const schema::SubscriptionRow& row, Space& space) {
  if (row.stretches() != nullptr) {
    for (const schema::StretchRow* held : *row.stretches()) {
      space.stretches.push_back(
          {PlanTerms::copy_of(*held->terms()), from_micros(held->from()), Number{held->number()}});
    }
  }
  if (row.periods() == nullptr) return;
  for (const schema::PeriodRow* held : *row.periods()) {
    space.periods.push_back({.from = from_micros(held->from()),
                             .to = from_micros(held->to()),
                             .whole_from = from_micros(held->whole_from()),
                             .whole_to = from_micros(held->whole_to()),
                             .issue_at = from_micros(held->issue_at()),
                             .consolidated = held->consolidated(),
                             .settled = held->settled()});
  }
}

}  // namespace

RowOffset<schema::BillingAccountRow> account_row(FlatBufferBuilder& builder,
                                                 const BillingAccount& account) {
  const auto token = builder.CreateString(account.token);
  const auto label = builder.CreateString(account.label);
  return schema::CreateBillingAccountRow(builder, token, label,
                                         builder.CreateString(account.country));
}

BillingAccount account_in(const schema::BillingAccountRow* row) {
  if (row == nullptr) return {};
  return {.token = std::string(text(row->token())),
          .label = std::string(text(row->label())),
          .country = std::string(text(row->country()))};
}

RowOffset<schema::SubscriptionRow> subscription_row(FlatBufferBuilder& builder, const Space& space,
                                                    const CreditTotals& credits) {
  const Subscription& held = space.subscription;
  const auto plan = builder.CreateString(held.terms.name());
  const auto status =
      builder.CreateString(kSubscriptionStatusNames[static_cast<size_t>(held.status)]);
  const auto terms = copy_plan(builder, held.terms.get());
  RowOffset<flatbuffers::String> pending_plan, checkout;
  RowOffset<schema::Plan> pending_terms, cancel_to;
  int64_t expires = 0;
  if (held.pending) {
    pending_plan = builder.CreateString(held.pending->terms.name());
    checkout = builder.CreateString(held.pending->checkout.str());
    pending_terms = copy_plan(builder, held.pending->terms.get());
    expires = to_micros(held.pending->expires);
  }
  if (held.cancel_to) cancel_to = copy_plan(builder, held.cancel_to->get());
  const auto stretches = stretch_rows(builder, space);
  const auto periods = period_rows(builder, space);
  const auto caps = cap_rows(builder, space);
  const auto account = account_row(builder, space.account);
  const auto top_ups = top_up_rows(builder, space);
  return schema::CreateSubscriptionRow(builder, plan, status, terms, to_micros(held.period_from),
                                       to_micros(held.period_to), pending_plan, checkout, expires,
                                       pending_terms, to_micros(held.anchor), held.consolidated,
                                       cancel_to, stretches, periods, caps, account, top_ups,
                                       credits.left, credits.used, credits.month);
}

bool read_subscription(const schema::SubscriptionRow& row, Space& space) {
  const auto status = std::ranges::find(kSubscriptionStatusNames, text(row.status()));
  if (status == std::end(kSubscriptionStatusNames)) return false;
  Subscription& held = space.subscription;
  held.status = static_cast<SubscriptionStatus>(status - kSubscriptionStatusNames);
  held.terms = PlanTerms::copy_of(*row.terms());
  held.period_from = from_micros(row.period_from());
  held.period_to = from_micros(row.period_to());
  held.anchor = from_micros(row.anchor());
  held.consolidated = row.consolidated();
  if (row.pending_terms() != nullptr && row.pending_checkout() != nullptr) {
    held.pending =
        Pending{PlanTerms::copy_of(*row.pending_terms()), CheckoutId(text(row.pending_checkout())),
                from_micros(row.pending_expires())};
  }
  if (row.cancel_to() != nullptr) held.cancel_to = PlanTerms::copy_of(*row.cancel_to());
  read_past(row, space);
  if (row.caps() != nullptr) {
    for (const schema::SpendingCap* cap : *row.caps()) {
      space.caps[cap->meter()->str()] = cap->amount_minor();
    }
  }
  space.account = account_in(row.account());
  read_top_ups(row, space);
  return true;
}

RowOffset<schema::MeterRow> meter_row(FlatBufferBuilder& builder, const Counter& counter) {
  RowOffset<flatbuffers::Vector<RowOffset<schema::UsageRangeRow>>> ranges;
  if (!counter.ranges.empty()) {
    std::vector<RowOffset<schema::UsageRangeRow>> rows;
    for (const UsageRange& range : counter.ranges) {
      const auto terms = copy_plan(builder, range.terms.get());
      rows.push_back(schema::CreateUsageRangeRow(builder, terms, to_micros(range.period_from),
                                                 range.from, range.to, range.first.value,
                                                 range.last.value, range.billed));
    }
    ranges = builder.CreateVector(rows);
  }
  return schema::CreateMeterRow(builder, counter.used, counter.crossed_percent, ranges);
}

Counter counter_in(const schema::MeterRow& row) {
  Counter counter{.used = row.used(),
                  .crossed_percent = static_cast<uint8_t>(row.crossed_percent()),
                  .ranges = {}};
  if (row.ranges() == nullptr) return counter;
  for (const schema::UsageRangeRow* range : *row.ranges()) {
    counter.ranges.push_back({.terms = PlanTerms::copy_of(*range->terms()),
                              .period_from = from_micros(range->period_from()),
                              .from = range->from(),
                              .to = range->to(),
                              .first = Number{range->first_number()},
                              .last = Number{range->last_number()},
                              .billed = range->billed()});
  }
  return counter;
}

RowOffset<schema::CreditRow> credit_row(FlatBufferBuilder& builder, const CreditGrant& grant) {
  return schema::CreateCreditRow(builder, grant.paid, grant.left, micros_of(grant.expires),
                                 grant.priority, grant.added.value);
}

CreditGrant grant_in(const schema::CreditRow& row) {
  return {.paid = row.paid(),
          .left = row.left_minor(),
          .expires = time_in(row.expires()),
          .priority = row.priority(),
          .added = Number{row.number()}};
}

RowOffset<schema::InvoiceRow> invoice_row(FlatBufferBuilder& builder, const Invoice& invoice) {
  const auto space = builder.CreateString(invoice.space.str());
  const auto references =
      invoice.references.empty() ? 0 : builder.CreateVectorOfStrings(invoice.references);
  schema::InvoiceRowBuilder row(builder);
  row.add_space(space);
  row.add_number(invoice.number);
  row.add_total_minor(invoice.total);
  row.add_tax_minor(invoice.tax);
  row.add_paid_minor(invoice.paid);
  row.add_credited_minor(invoice.credited);
  row.add_due(to_micros(invoice.due));
  row.add_next(to_micros(invoice.next));
  row.add_step(static_cast<uint32_t>(invoice.step));
  row.add_references(references);
  return row.Finish();
}

Invoice invoice_in(const schema::InvoiceRow& row) {
  const uint32_t step = std::min<uint32_t>(row.step(), static_cast<uint32_t>(DunningStep::kEnded));
  Invoice invoice{.space = SpaceId(text(row.space())),
                  .number = row.number(),
                  .total = row.total_minor(),
                  .tax = row.tax_minor(),
                  .paid = row.paid_minor(),
                  .credited = row.credited_minor(),
                  .due = from_micros(row.due()),
                  .next = from_micros(row.next()),
                  .step = static_cast<DunningStep>(step)};
  if (row.references() != nullptr) {
    for (const auto* reference : *row.references()) invoice.references.push_back(reference->str());
  }
  return invoice;
}

}  // namespace tenure
