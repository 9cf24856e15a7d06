// Invoices: as they were issued, which never changes, and what became of them.
#include "engine/domain/emit.h"
#include "projections/billing_reductions.h"
#include "projections/usage_counters.h"

namespace tenure::billing {
namespace {

using LinesOffset =
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::InvoiceLine>>>;

// A line that names no decision came from this one.
template <class Lines>
LinesOffset copy_lines(Reduction& in, const Lines& from) {
  auto& fbb = in.builder;
  std::vector<flatbuffers::Offset<schema::InvoiceLine>> lines;
  for (const schema::InvoiceLine* line : from) {
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

// Of the space, or where it has none of its own, of the organization; null: none were given.
const schema::BillingDetailsSet* details_for(Reduction& in, const flatbuffers::String* space) {
  const auto* own = in.rows.get<schema::BillingDetailsSet>(
      kFamily, in.keys.billing_details(space == nullptr ? "" : text(space)));
  if (own != nullptr || space == nullptr) return own;
  return in.rows.get<schema::BillingDetailsSet>(kFamily, in.keys.billing_details(""));
}

// From the event that issued it, or from the row. `paid`: with its issue.
template <class Source>
void put_issued(Reduction& in, const Source& event, const schema::BillingDetailsSet* details,
                Minor paid) {
  auto& fbb = in.builder;
  const auto space = copy_text(fbb, event.space());
  const auto invoice = fbb.CreateString(event.invoice());
  const auto currency = fbb.CreateString(event.currency());
  const auto country = copy_text(fbb, event.country());
  const auto lines = copy_lines(in, *event.lines());
  const auto made_out_to = details == nullptr ? 0 : copy_details(fbb, *details);
  schema::InvoiceRowBuilder row(fbb);
  row.add_space(space);
  row.add_number(event.number());
  row.add_total_minor(event.total_minor());
  row.add_tax_minor(event.tax_minor());
  row.add_paid_minor(paid);
  row.add_due(event.due());
  row.add_invoice(invoice);
  row.add_net_minor(event.net_minor());
  row.add_period_from(event.period_from());
  row.add_period_to(event.period_to());
  row.add_issued(event.issued());
  row.add_currency(currency);
  row.add_country(country);
  row.add_tax_hundredths_of_percent(event.tax_hundredths_of_percent());
  row.add_lines(lines);
  row.add_issue_number(in.number);
  row.add_details(made_out_to);
  in.put(kFamily, in.keys.invoice(event.number()), row.Finish());
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

// Settles what the event says: in the spaces that it is about, and of what their counters have.
template <class Event>
void settle(Reduction& in, const Event& event) {
  const std::vector<std::string> spaces =
      event.space() != nullptr ? std::vector{event.space()->str()} : waiting_spaces(in);
  for (const std::string& id : spaces) {
    std::optional<HeldSpace> held = get_space(in, id);
    if (!held) continue;
    Space& space = held->organization.spaces.find(id)->second;
    const Counters before = get_billable_counters(in, id, space);
    space.counters = before;
    evolve(held->organization, event, happened(in));
    put_space(in, id, *held);
    put_counters(in, id, before, space.counters);
  }
}

}  // namespace

void nothing_charged(Reduction& in, const schema::NothingCharged& event) { settle(in, event); }

void invoice_issued(Reduction& in, const schema::InvoiceIssued& event) {
  if (event.issue_at() != 0) settle(in, event);
  put_issued(in, event, details_for(in, event.space()), 0);
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

// What is paid with its issue is a part of the invoice as it was issued.
void invoice_paid(Reduction& in, const schema::InvoicePaid& event) {
  change(in, event);
  const std::optional<uint64_t> number = invoice_number(text(event.invoice()));
  if (!number) return;
  const auto* issued = in.rows.get<schema::InvoiceRow>(kFamily, in.keys.invoice(*number));
  if (issued == nullptr || issued->issue_number() != in.number) return;
  put_issued(in, *issued, issued->details(), event.amount_minor());
}

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
