// How invoices come to be.
#pragma once

#include "engine/domain/guards.h"
#include "engine/domain/invoice_lines.h"

namespace tenure {

// What an invoice is for. `space` null: the organization.
struct Billing {
  const Space* space;
  std::string_view space_id;
  Time issue_at;  // settles the periods that waited for it; zero: none
  Time period_from, period_to;
  std::vector<ChargeLine> lines;
};

// Adds InvoiceIssued, with the next number, and what asks for its payment.
void bill(const Incoming& in, const Billing& billing, EventSink& events);

// Adds CreditsAdded for credits that are paid for, with an invoice of their own: the space's, paid
// by `checkout`; or, where none was needed, the organization's, which is to be paid.
void add_paid_credits(const Incoming& in, std::string_view space_id, const Space& space,
                      const TopUp& top_up, std::string_view checkout, EventSink& events);

// Adds InvoicePaid.
void tell_paid(std::string_view invoice, Minor amount, std::string_view reference,
               EventSink& events);

}  // namespace tenure
