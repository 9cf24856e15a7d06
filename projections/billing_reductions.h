// The reductions of the billing model, in the files that are named. The rows of a space and of an
// invoice say what the engine's state says: the domain's own evolve changes them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/domain/evolve_events.h"
#include "projections/projection.h"

namespace tenure::billing {

inline constexpr Family kFamily = Family::kBilling;

// The decision, as the domain's evolve sees it. No event of billing needs a rulebook.
Happened happened(const Reduction& in);

std::optional<HeldSpace> get_space(Reduction& in, std::string_view space);
// For an event that leaves the rows as they are, read anew only when they are others: the same
// until the next call. Null: there is no such space. Its counters may be anything.
HeldSpace* look_at_space(Reduction& in, std::string_view space);
void put_space(Reduction& in, std::string_view space, const HeldSpace& held);

// What all spaces share: the organization's account and anchor.
void get_shared(Reduction& in, Organization& organization);
void put_shared(Reduction& in, const Organization& organization);
// The spaces that wait for the organization's next invoice.
std::vector<std::string> waiting_spaces(Reduction& in);

// What an event of one space does to its row.
template <class Event>
void of_space(Reduction& in, const Event& event) {
  const std::string_view space = text(event.space());
  std::optional<HeldSpace> held = get_space(in, space);
  if (!held) return;
  evolve(held->organization, event, happened(in));
  put_space(in, space, *held);
}

// What is said of a space's account, or of the organization's.
template <class Event>
void of_account(Reduction& in, const Event& event) {
  if (event.space() != nullptr) return of_space(in, event);
  Organization organization;
  get_shared(in, organization);
  evolve(organization, event, happened(in));
  put_shared(in, organization);
}

// billing.cc
flatbuffers::Offset<schema::BillingDetailsSet> copy_details(flatbuffers::FlatBufferBuilder& builder,
                                                            const schema::BillingDetailsSet& event);

// billing_credits.cc
void credits_added(Reduction& in, const schema::CreditsAdded& event);
void credits_drawn(Reduction& in, const schema::CreditsDrawn& event);
void credits_expired(Reduction& in, const schema::CreditsExpired& event);

// billing_invoices.cc
void invoice_issued(Reduction& in, const schema::InvoiceIssued& event);
void nothing_charged(Reduction& in, const schema::NothingCharged& event);
void invoice_paid(Reduction& in, const schema::InvoicePaid& event);
void invoice_partly_paid(Reduction& in, const schema::InvoicePartlyPaid& event);
void credit_note_issued(Reduction& in, const schema::CreditNoteIssued& event);
void subscription_past_due(Reduction& in, const schema::SubscriptionPastDue& event);
void subscription_warned(Reduction& in, const schema::SubscriptionWarned& event);
void subscription_suspended(Reduction& in, const schema::SubscriptionSuspended& event);
void dunning_ended(Reduction& in, const schema::DunningEnded& event);

}  // namespace tenure::billing
