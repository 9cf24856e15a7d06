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

// All of a space that a SubscriptionRow has; `credits`: the balance, which only the read models
// keep there. Reading it: false if the status is unknown.
flatbuffers::Offset<schema::SubscriptionRow> subscription_row(
    flatbuffers::FlatBufferBuilder& builder, const Space& space, Minor credits = 0);
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
