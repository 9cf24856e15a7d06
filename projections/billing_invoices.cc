// Invoices: as they were issued, which never changes, and what became of them.
#include <set>

#include "engine/domain/billing_rows.h"
#include "projections/billing_reductions.h"

namespace tenure::billing {
namespace {

using LinesOffset =
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::InvoiceLine>>>;

// A line that names no decision came from this one.
LinesOffset copy_lines(Reduction& in, const schema::InvoiceIssued& event) {
  auto& fbb = in.builder;
  std::vector<flatbuffers::Offset<schema::InvoiceLine>> lines;
  for (const schema::InvoiceLine* line : *event.lines()) {
    std::vector<uint64_t> numbers(line->numbers()->begin(), line->numbers()->end());
    if (numbers.empty()) numbers.push_back(in.number);
    const auto description = fbb.CreateString(line->description());
    const auto space = fbb.CreateString(line->space());
    const auto number_table = fbb.CreateVector(numbers);
    lines.push_back(schema::CreateInvoiceLine(fbb, description, space, line->quantity(),
                                              line->amount_minor(), line->from(), line->to(),
                                              number_table));
  }
  return fbb.CreateVector(lines);
}

void put_issued(Reduction& in, const schema::InvoiceIssued& event) {
  auto& fbb = in.builder;
  const auto space = event.space() == nullptr ? 0 : fbb.CreateString(event.space());
  const auto invoice = fbb.CreateString(event.invoice());
  const auto currency = fbb.CreateString(event.currency());
  const auto country = event.country() == nullptr ? 0 : fbb.CreateString(event.country());
  const auto lines = copy_lines(in, event);
  in.put(
      kFamily, in.keys.invoice(event.number()),
      schema::CreateInvoiceRow(fbb, space, event.number(), event.total_minor(), event.tax_minor(),
                               0, 0, event.due(), 0, 0, invoice, event.net_minor(),
                               event.period_from(), event.period_to(), event.issued(), currency,
                               country, event.tax_hundredths_of_percent(), lines, in.number));
}

void put_state(Reduction& in, const Organization& organization, std::string_view id) {
  const Invoice& held = organization.invoices.find(id)->second;
  in.put(kFamily, in.keys.invoice_state(held.number), invoice_row(in.builder, held));
}

// What an event does to an invoice that was issued.
template <class Event>
void change(Reduction& in, const Event& event) {
  const std::optional<uint64_t> number = invoice_number(text(event.invoice()));
  if (!number) return;
  const auto* row = in.rows.get<schema::InvoiceRow>(kFamily, in.keys.invoice_state(*number));
  if (row == nullptr) return;
  Organization organization;
  organization.invoices.try_emplace(InvoiceId(text(event.invoice())), invoice_in(*row));
  derive_invoices(organization);
  evolve(organization, event, happened(in));
  put_state(in, organization, text(event.invoice()));
}

}  // namespace

void invoice_issued(Reduction& in, const schema::InvoiceIssued& event) {
  std::set<std::string_view> spaces;
  for (const schema::InvoiceLine* line : *event.lines()) spaces.insert(text(line->space()));
  for (const std::string_view space : spaces) {
    std::optional<HeldSpace> held = get_space(in, space);
    if (!held) continue;
    evolve(held->organization, event, happened(in));
    put_space(in, space, *held);
  }
  put_issued(in, event);
  Organization organization;
  Invoice& invoice = organization.invoices[InvoiceId(text(event.invoice()))];
  invoice = {.space = SpaceId(text(event.space())),
             .number = event.number(),
             .total = event.total_minor(),
             .tax = event.tax_minor(),
             .due = from_micros(event.due()),
             .next = from_micros(event.due())};
  put_state(in, organization, text(event.invoice()));
}

void invoice_paid(Reduction& in, const schema::InvoicePaid& event) { change(in, event); }
void invoice_partly_paid(Reduction& in, const schema::InvoicePartlyPaid& event) {
  change(in, event);
}
void subscription_past_due(Reduction& in, const schema::SubscriptionPastDue& event) {
  change(in, event);
}
void subscription_warned(Reduction& in, const schema::SubscriptionWarned& event) {
  change(in, event);
}
void subscription_suspended(Reduction& in, const schema::SubscriptionSuspended& event) {
  change(in, event);
}
void dunning_ended(Reduction& in, const schema::DunningEnded& event) { change(in, event); }

void credit_note_issued(Reduction& in, const schema::CreditNoteIssued& event) {
  change(in, event);
  const std::optional<uint64_t> number = invoice_number(text(event.invoice()));
  if (!number) return;
  auto& fbb = in.builder;
  const auto invoice = fbb.CreateString(event.invoice());
  const auto note = fbb.CreateString(event.note());
  const auto description = fbb.CreateString(event.description());
  in.put(kFamily, in.keys.credit_note(*number, event.number()),
         schema::CreateCreditNoteIssued(fbb, invoice, note, event.number(), event.amount_minor(),
                                        event.tax_minor(), description));
}

}  // namespace tenure::billing
