// An issued invoice as tools/invoice prints it.
#pragma once

#include "projections/queries/issued_invoice.h"
#include "tools/invoice/invoice_pdf.h"

namespace tenure {

InvoiceDocument invoice_document(const IssuedInvoice& issued);

}  // namespace tenure
