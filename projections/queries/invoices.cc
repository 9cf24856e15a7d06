// Invoices: as they were issued, and what became of them.
#include <algorithm>

#include "engine/domain/billing_rows.h"
#include "projections/queries/billing_answers.h"

namespace tenure {
namespace {

std::string_view invoice_status(const Invoice& state) {
  if (state.left() <= 0) return "paid";
  return state.step == DunningStep::kNone ? "open" : "past_due";
}

void write_lines(AnswerWriter& out, const QueryContext& context, const schema::InvoiceRow& issued) {
  out.begin_array("lines");
  for (const schema::InvoiceLine* line : *issued.lines()) {
    out.begin_object().text("description", line->description()).text("space", line->space());
    out.number("quantity", line->quantity()).amount("amount_minor", line->amount_minor());
    out.time("from", line->from()).time("to", line->to()).begin_array("positions");
    for (const uint64_t number : *line->numbers()) out.text(position_text(context, number));
    out.end_array().end_object();
  }
  out.end_array();
}

Result<void> write_credit_notes(AnswerWriter& out, OrganizationRows& organization,
                                uint64_t invoice) {
  out.begin_array("credit_notes");
  auto cursor =
      organization.view().scan(Family::kBilling, organization.keys().credit_notes(invoice).str());
  Row row;
  for (; cursor->valid(); cursor->next()) {
    row.assign(cursor->bytes());
    const auto& note = row.as<schema::CreditNoteIssued>();
    out.begin_object().text("note", note.note()).amount("amount_minor", note.amount_minor());
    out.amount("tax_minor", note.tax_minor()).text("description", note.description()).end_object();
  }
  out.end_array();
  return cursor->status();
}

Result<void> write_invoice(AnswerWriter& out, const QueryContext& context,
                           OrganizationRows& organization, const schema::InvoiceRow& issued) {
  Row row;
  const Invoice state =
      invoice_in(*TRY(get_invoice_state(context.rows, organization.keys(), issued.number(), row)));
  out.begin_object().text("invoice", issued.invoice()).number("number", issued.number());
  out.text("space", issued.space());
  write_period(out, issued.period_from(), issued.period_to());
  out.amount("net_minor", issued.net_minor()).amount("tax_minor", issued.tax_minor());
  out.amount("total_minor", issued.total_minor()).text("currency", issued.currency());
  out.text("status", invoice_status(state)).amount("paid_minor", state.paid);
  out.amount("left_minor", std::max<Minor>(state.left(), 0));
  out.time("issued", issued.issued()).time("due", issued.due());
  write_billed_to(out, "billed_to", billed_to(context, issued.details()));
  write_lines(out, context, issued);
  TRY(write_credit_notes(out, organization, issued.number()));
  out.end_object();
  return {};
}

std::unexpected<Error> no_invoice(std::string_view org, std::string_view invoice) {
  return fail(ErrorKind::kNotFound,
              "no invoice " + std::string(invoice) + " in " + std::string(org));
}

// As it was issued, if the viewer holds `action` where it is of: in its space or in the
// organization.
Result<Row> issued_row(const QueryContext& context, VisibleOrganization& organization,
                       std::string_view invoice, Action action) {
  const std::string_view org = organization->org();
  const auto number = invoice_number(invoice);
  Row row;
  if (!number ||
      !TRY(context.rows.get(Family::kBilling, organization->keys().invoice(*number), row))) {
    return no_invoice(org, invoice);
  }
  bool may = organization.may(action);
  if (const auto* space = row.as<schema::InvoiceRow>().space(); space != nullptr && !may) {
    may = TRY(organization.actions_in(space->string_view())).has(action);
  }
  if (!may) return no_invoice(org, invoice);
  return row;
}

}  // namespace

// Those of the spaces whose bills the viewer may see; of the organization only for who may see its
// own.
Result<std::string> get_invoices(const QueryContext& context, std::string_view org,
                                 std::string_view space, const Page& page) {
  auto organization = TRY(VisibleOrganization::open_invoices(context, org));
  if (space.empty()) {
    TRY(organization.need(Action::kBillingView));
  } else {
    TRY(organization.need_in(space, Action::kBillingView));
  }
  const auto write = [&](AnswerWriter& out, uint64_t, const Row& row) -> Result<bool> {
    const auto& issued = row.as<schema::InvoiceRow>();
    const bool of_space = issued.space() != nullptr && issued.space()->string_view() == space;
    if (!space.empty() && !of_space) return false;
    TRY(write_invoice(out, context, organization.rows(), issued));
    return true;
  };
  return write_numbered(context.rows, organization->keys().invoices().str(), "invoices", page,
                        write);
}

Result<std::string> get_invoice(const QueryContext& context, std::string_view org,
                                std::string_view invoice) {
  auto organization = TRY(VisibleOrganization::open_invoices(context, org));
  const Row row = TRY(issued_row(context, organization, invoice, Action::kBillingView));
  AnswerWriter out;
  TRY(write_invoice(out, context, organization.rows(), row.as<schema::InvoiceRow>()));
  return out.take();
}

Result<IssuedInvoice> get_issued_invoice(const QueryContext& context, std::string_view org,
                                         std::string_view invoice) {
  auto organization = TRY(VisibleOrganization::open_invoices(context, org));
  IssuedInvoice issued;
  issued.row = TRY(issued_row(context, organization, invoice, Action::kInvoiceDownload));
  issued.organization = organization->row().name()->str();
  issued.billed_to = billed_to(context, issued.row.as<schema::InvoiceRow>().details());
  return issued;
}

Result<const schema::InvoiceRow*> get_invoice_state(const RowView& rows, Keys& keys,
                                                    uint64_t number, Row& row) {
  if (TRY(rows.get(Family::kBilling, keys.invoice_state(number), row))) {
    return &row.as<schema::InvoiceRow>();
  }
  return fail(ErrorKind::kCorrupt, "an invoice has no state row; rebuild the read models");
}

}  // namespace tenure
