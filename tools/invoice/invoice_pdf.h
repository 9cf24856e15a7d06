// An invoice as a person gets it: one PDF (A4), the same bytes whenever it is made again from the
// same invoice.
//
// Pure but for the fonts, which are read from where Debian's fonts-dejavu-core puts them and whose
// used glyphs are embedded: Latin, Greek and Cyrillic; what they lack shows as a box. Threads: any,
// each call makes a document of its own. Errors: kUnavailable if a font is missing (names the
// package), kInvalid if the document cannot be made (an amount of pages that no PDF holds).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

struct InvoiceLine {
  std::string description;
  std::string space;      // the section it stands in, if there are several
  uint64_t quantity = 1;  // shown if it is not 1
  int64_t amount_minor = 0;
  Time from, to;
};

// Money in minor units of `currency`.
struct InvoiceDocument {
  std::string invoice;  // the id
  uint64_t number = 0;  // of the organization's invoices
  std::string organization;
  std::string space;  // empty: the organization's one invoice, a section a space
  Time issued, due, from, to;

  // As the billing details say; empty lines are left out. `country` also decides how money is
  // written (money_text.h).
  std::string name, address, country, tax_id, email;

  std::vector<InvoiceLine> lines;  // in order: by space, then by time
  std::string currency;
  uint32_t tax_hundredths_of_percent = 0;
  int64_t net_minor = 0, tax_minor = 0, total_minor = 0;
  int64_t paid_minor = 0;  // with its issue: what is paid later changes no invoice
};

Result<std::string> invoice_pdf(const InvoiceDocument& invoice);

}  // namespace tenure
