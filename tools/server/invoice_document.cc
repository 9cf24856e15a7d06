#include "tools/server/invoice_document.h"

#include "engine/domain/text.h"
#include "schemas/rows_generated.h"

namespace tenure {

InvoiceDocument invoice_document(const IssuedInvoice& issued) {
  const auto& row = issued.row.as<schema::InvoiceRow>();
  const BilledTo& to = issued.billed_to;
  InvoiceDocument document{.invoice = std::string(text(row.invoice())),
                           .number = row.number(),
                           .organization = issued.organization,
                           .space = std::string(text(row.space())),
                           .issued = from_micros(row.issued()),
                           .due = from_micros(row.due()),
                           .from = from_micros(row.period_from()),
                           .to = from_micros(row.period_to()),
                           .name = to.erased ? "(erased)" : to.name.value_or(""),
                           .address = to.address.value_or(""),
                           .country = to.country,
                           .tax_id = to.tax_id.value_or(""),
                           .email = to.email.value_or(""),
                           .lines = {},
                           .currency = std::string(text(row.currency())),
                           .tax_hundredths_of_percent = row.tax_hundredths_of_percent(),
                           .net_minor = row.net_minor(),
                           .tax_minor = row.tax_minor(),
                           .total_minor = row.total_minor(),
                           .paid_minor = row.paid_minor()};
  for (const schema::InvoiceLine* line : *row.lines()) {
    document.lines.push_back({.description = std::string(text(line->description())),
                              .space = std::string(text(line->space())),
                              .quantity = line->quantity(),
                              .amount_minor = line->amount_minor(),
                              .from = from_micros(line->from()),
                              .to = from_micros(line->to())});
  }
  return document;
}

}  // namespace tenure
