// Money: what a space's subscription is, its credits and their log, the organization's invoices.
#include <algorithm>
#include <charconv>

#include "engine/domain/billing_rows.h"
#include "projections/query_support.h"

namespace tenure {
namespace {

std::string_view billing_status(const schema::SubscriptionRow& row, DunningStep step) {
  if (step == DunningStep::kSuspended) return "suspended";
  if (step != DunningStep::kNone) return "past_due";
  if (row.cancel_to() != nullptr) return "cancelling";
  return row.status()->string_view();
}

void write_period(AnswerWriter& out, int64_t from, int64_t to) {
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

std::string position_text(const QueryContext& context, uint64_t number) {
  return format_position({context.partition, Number{number}});
}

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
  const bool found = TRY(
      context.rows.get(Family::kBilling, organization.keys().invoice_state(issued.number()), row));
  if (!found) {
    return fail(ErrorKind::kCorrupt, "an invoice has no state row; rebuild the read models");
  }
  const Invoice state = invoice_in(row.as<schema::InvoiceRow>());
  out.begin_object().text("invoice", issued.invoice()).number("number", issued.number());
  out.text("space", issued.space());
  write_period(out, issued.period_from(), issued.period_to());
  out.amount("net_minor", issued.net_minor()).amount("tax_minor", issued.tax_minor());
  out.amount("total_minor", issued.total_minor()).text("currency", issued.currency());
  out.text("status", invoice_status(state)).amount("paid_minor", state.paid);
  out.amount("left_minor", std::max<Minor>(state.left(), 0));
  out.time("issued", issued.issued()).time("due", issued.due());
  write_lines(out, context, issued);
  TRY(write_credit_notes(out, organization, issued.number()));
  out.end_object();
  return {};
}

std::unexpected<Error> no_invoice(std::string_view org, std::string_view invoice) {
  return fail(ErrorKind::kNotFound,
              "no invoice " + std::string(invoice) + " in " + std::string(org));
}

}  // namespace

Result<std::string> get_billing(const QueryContext& context, std::string_view org,
                                std::string_view space) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const Row row = TRY(subscription_of(context, organization.rows(), space));
  const Debts debts = TRY(read_debts(organization.rows()));
  const auto& subscription = row.as<schema::SubscriptionRow>();
  AnswerWriter out;
  out.begin_object().text("plan", subscription.plan());
  out.text("status", billing_status(subscription, debts.of(space)));
  write_period(out, subscription.period_from(), subscription.period_to());
  if (subscription.pending_plan() != nullptr) {
    out.begin_object("pending").text("plan", subscription.pending_plan());
    out.text("checkout", subscription.pending_checkout());
    out.time("expires", subscription.pending_expires()).end_object();
  } else {
    out.null("pending");
  }
  const BillingAccount account = account_in(subscription.account());
  if (account.token.empty()) {
    out.null("payment_method");
  } else {
    out.text("payment_method", account.label);
  }
  out.amount("credits_minor", subscription.credits_minor());
  out.amount("credits_used_minor",
             credits_used(subscription, now_in(context, organization.rows())));
  return out.text("currency", organization->row().currency()).end_object().take();
}

Result<std::string> get_credits(const QueryContext& context, std::string_view org,
                                std::string_view space, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const Row held = TRY(subscription_of(context, organization.rows(), space));
  const std::string prefix = organization->keys().credits(space).str();
  auto cursor = context.rows.scan(Family::kBilling, prefix);
  AnswerWriter out;
  out.begin_object();
  out.amount("balance_minor", held.as<schema::SubscriptionRow>().credits_minor());
  out.begin_array("grants");
  std::string last;
  Row row;
  size_t shown = 0;
  for (cursor->seek(page_start(prefix, page)); cursor->valid() && shown < page.limit;
       cursor->next()) {
    row.assign(cursor->bytes());
    const CreditGrant grant = grant_in(row.as<schema::CreditRow>());
    if (grant.left == 0) continue;
    last = after_prefix(cursor->key(), prefix);
    out.begin_object().text("grant", last).text("kind", grant.paid ? "paid" : "promotional");
    out.amount("left_minor", grant.left);
    if (grant.expires) {
      out.time("expires", to_micros(*grant.expires));
    } else {
      out.null("expires");
    }
    out.number("priority", uint64_t{grant.priority}).end_object();
    ++shown;
  }
  out.end_array();
  TRY(cursor->status());
  return finish_page(out, cursor->valid() ? last : "");
}

Result<std::string> get_billing_log(const QueryContext& context, std::string_view org,
                                    std::string_view space, const Page& page) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const auto write = [&](AnswerWriter& out, uint64_t number, const Row& row) -> Result<bool> {
    const auto& entry = row.as<schema::BillingLogRow>();
    out.begin_object().time("time", entry.time()).text("kind", entry.kind());
    out.amount("amount_minor", entry.amount_minor());
    out.amount("balance_minor", entry.balance_minor()).text("description", entry.description());
    out.text("position", position_text(context, number)).end_object();
    return true;
  };
  return write_numbered(context.rows, organization->keys().billing_log(space).str(), "entries",
                        page, write);
}

// Those of the spaces whose bills the viewer may see; of the organization only for who may see its
// own.
Result<std::string> get_invoices(const QueryContext& context, std::string_view org,
                                 std::string_view space, const Page& page) {
  auto organization = TRY(VisibleOrganization::open(context, org));
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
  auto organization = TRY(VisibleOrganization::open(context, org));
  const auto number = invoice_number(invoice);
  Row row;
  if (!number ||
      !TRY(context.rows.get(Family::kBilling, organization->keys().invoice(*number), row))) {
    return no_invoice(org, invoice);
  }
  const auto& issued = row.as<schema::InvoiceRow>();
  const bool may =
      issued.space() == nullptr || organization.may(Action::kBillingView)
          ? organization.may(Action::kBillingView)
          : TRY(organization.actions_in(issued.space()->string_view())).has(Action::kBillingView);
  if (!may) return no_invoice(org, invoice);
  AnswerWriter out;
  TRY(write_invoice(out, context, organization.rows(), issued));
  return out.take();
}

}  // namespace tenure
