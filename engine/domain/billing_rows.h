// What is known of money, as rows (schemas/rows.fbs) and back: for the state store and the read
// models.
#pragma once

#include "engine/domain/state.h"
#include "schemas/rows_generated.h"

namespace tenure {

flatbuffers::Offset<schema::BillingAccountRow> account_row(flatbuffers::FlatBufferBuilder& builder,
                                                           const BillingAccount& account);
BillingAccount account_in(const schema::BillingAccountRow* row);  // null: nothing is known

// The names of SubscriptionStatus in rows, by value.
inline constexpr std::string_view kSubscriptionStatusNames[] = {"free", "pending_payment",
                                                                "active"};

// What the read models keep of a space's credits beside its grants: what is left, and what was
// drawn in the month of the last draw.
struct CreditTotals {
  Minor left = 0, used = 0;
  Month month = 0;
};

// All of a space that a SubscriptionRow has; `credits`: of the read models alone. Reading it: false
// if the status is unknown.
flatbuffers::Offset<schema::SubscriptionRow> subscription_row(
    flatbuffers::FlatBufferBuilder& builder, const Space& space, const CreditTotals& credits = {});
bool read_subscription(const schema::SubscriptionRow& row, Space& space);

flatbuffers::Offset<schema::MeterRow> meter_row(flatbuffers::FlatBufferBuilder& builder,
                                                const Counter& counter);
Counter counter_in(const schema::MeterRow& row);

flatbuffers::Offset<schema::CreditRow> credit_row(flatbuffers::FlatBufferBuilder& builder,
                                                  const CreditGrant& grant);
CreditGrant grant_in(const schema::CreditRow& row);

flatbuffers::Offset<schema::InvoiceRow> invoice_row(flatbuffers::FlatBufferBuilder& builder,
                                                    const Invoice& invoice);
Invoice invoice_in(const schema::InvoiceRow& row);

}  // namespace tenure
