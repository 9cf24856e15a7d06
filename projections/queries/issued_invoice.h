// An invoice as it was issued, which never changes: what is printed of it; and what became of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "projections/key_layout.h"
#include "projections/queries/queries.h"
#include "projections/rows.h"
#include "schemas/rows_generated.h"

namespace tenure {

// Whom it was made out to, as it was said then. The texts are sealed with the key of the person who
// said them: absent if none was given, or nobody can open it any more.
struct BilledTo {
  std::optional<std::string> name, address, tax_id, email;
  std::string country;  // empty: nothing was said
  bool erased = false;  // some of it cannot be opened any more
};

struct IssuedInvoice {
  Row row;                   // an InvoiceRow; what is paid there was paid with its issue
  std::string organization;  // its name
  BilledTo billed_to;
};

// For who may download it; kNotFound for others.
Result<IssuedInvoice> get_issued_invoice(const QueryContext&, std::string_view org,
                                         std::string_view invoice);

// What became of an invoice that was issued; it lies in `row`. kCorrupt: there is no such row.
Result<const schema::InvoiceRow*> get_invoice_state(const RowView& rows, Keys& keys,
                                                    uint64_t number, Row& row);

}  // namespace tenure
