// What answers about money share: periods, pages of numbered rows, and whom invoices are made out
// to.
#pragma once

#include <charconv>

#include "projections/queries/issued_invoice.h"
#include "projections/queries/query_support.h"
#include "schemas/events_generated.h"

namespace tenure {

inline void write_period(AnswerWriter& out, int64_t from, int64_t to) {
  out.begin_object("period").time("from", from);
  if (to != 0) {
    out.time("to", to);
  } else {
    out.null("to");
  }
  out.end_object();
}

// One page of numbered rows; a cursor is the number of the last one shown, in decimals.
// `write(number, row)` adds one item, or returns false to leave the row out.
template <class Write>
Result<std::string> write_numbered(const RowView& rows, const std::string& prefix,
                                   std::string_view name, const Page& page, Write write) {
  TRY(check_page(page));
  uint64_t after = 0;
  if (!page.cursor.empty()) {
    const char* end = page.cursor.data() + page.cursor.size();
    if (std::from_chars(page.cursor.data(), end, after).ptr != end) {
      return fail(ErrorKind::kInvalid, "cursor must be the next of the page before");
    }
    ++after;
  }
  auto cursor = rows.scan(Family::kBilling, prefix);
  AnswerWriter out;
  out.begin_object().begin_array(name);
  uint64_t last = 0;
  Row row;
  size_t shown = 0;
  for (cursor->seek(Key(prefix).big_endian(after, 8)); cursor->valid() && shown < page.limit;
       cursor->next()) {
    uint64_t number = 0;
    for (const char byte : after_prefix(cursor->key(), prefix)) {
      number = number << 8 | static_cast<uint8_t>(byte);
    }
    row.assign(cursor->bytes());
    const bool written = TRY(write(out, number, row));
    if (!written) continue;
    last = number;
    ++shown;
  }
  out.end_array();
  TRY(cursor->status());
  return finish_page(out, cursor->valid() ? std::to_string(last) : "");
}

inline std::string position_text(const QueryContext& context, uint64_t number) {
  return format_position({context.partition, Number{number}});
}

// Null: no details were given. As the object `name`, or null.
BilledTo billed_to(const QueryContext& context, const schema::BillingDetailsSet* details);
void write_billed_to(AnswerWriter& out, std::string_view name, const BilledTo& details);

// The last details given of a space, or (empty) of the organization: whom the next invoice is made
// out to.
Result<BilledTo> read_billing_details(const QueryContext& context, OrganizationRows& organization,
                                      std::string_view space);

}  // namespace tenure
