#include "engine/domain/invoices.h"

#include "engine/domain/dunning.h"
#include "engine/domain/tax.h"

namespace tenure {
namespace {

using LinesOffset =
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::InvoiceLine>>>;

LinesOffset line_tables(flatbuffers::FlatBufferBuilder& builder,
                        const std::vector<ChargeLine>& lines) {
  std::vector<flatbuffers::Offset<schema::InvoiceLine>> tables;
  for (const ChargeLine& line : lines) {
    std::vector<uint64_t> numbers;
    numbers.reserve(line.numbers.size());
    for (const Number number : line.numbers) numbers.push_back(number.value);
    const auto description = builder.CreateString(line.description);
    const auto space = builder.CreateString(line.space);
    const auto number_table = builder.CreateVector(numbers);
    tables.push_back(schema::CreateInvoiceLine(builder, description, space, line.quantity,
                                               line.amount, to_micros(line.from),
                                               to_micros(line.to), number_table));
  }
  return builder.CreateVector(tables);
}

const std::string& token_for(const Organization& organization, const Space* space) {
  const bool own = space != nullptr && !space->account.token.empty();
  return own ? space->account.token : organization.account.token;
}

struct IssuedInvoice {
  std::string id;
  Minor total;
};

// A sandbox has no payment service: what this token pays for is declined, all else is paid at once.
constexpr std::string_view kDeclined = "tok_declined";

void ask_for_payment(const Incoming& in, const Billing& billing, const IssuedInvoice& issued,
                     EventSink& events) {
  const std::string& token = token_for(*in.organization, billing.space);
  if (token.empty() || issued.total == 0) return;
  if (in.organization->clock && token != kDeclined) {
    return tell_paid(issued.id, issued.total, "sandbox", events);
  }
  auto& builder = events.builder();
  const auto id = builder.CreateString(issued.id);
  const auto token_text = builder.CreateString(token);
  events.add(schema::CreatePaymentWanted(builder, id, token_text, issued.total,
                                         builder.CreateString(in.organization->currency)));
  if (!in.organization->clock) return;
  const auto declined = builder.CreateString(issued.id);
  events.add(schema::CreateInvoicePaymentFailed(builder, declined, issued.total,
                                                builder.CreateString("sandbox")));
  begin_dunning(in, issued.id, billing.space_id, events);
}

IssuedInvoice issue_invoice(const Incoming& in, const Billing& billing, const Tax& taxed,
                            EventSink& events) {
  const Organization& organization = *in.organization;
  auto& builder = events.builder();
  const Time now = in.context.now;
  const Minor net = sum_of(billing.lines), tax = taxed.of(net);
  const IssuedInvoice issued{invoice_id(organization.next_invoice), net + tax};
  const Time due = now + in.context.catalog.due_after(billing.space == nullptr);

  const auto id = builder.CreateString(issued.id);
  const auto space = billing.space == nullptr ? 0 : builder.CreateString(billing.space_id);
  const auto lines = line_tables(builder, billing.lines);
  const auto currency = builder.CreateString(organization.currency);
  const auto country = taxed.country.empty() ? 0 : builder.CreateString(taxed.country);
  events.add(schema::CreateInvoiceIssued(
      builder, id, organization.next_invoice, space, to_micros(billing.issue_at),
      to_micros(billing.period_from), to_micros(billing.period_to), lines, net, tax, issued.total,
      currency, country, taxed.hundredths_of_percent, to_micros(now), to_micros(due)));
  if (issued.total == 0) tell_paid(issued.id, 0, "nothing to pay", events);
  return issued;
}

}  // namespace

void bill(const Incoming& in, const Billing& billing, EventSink& events) {
  const Tax tax = tax_for(*in.organization, billing.space, in.context.catalog);
  ask_for_payment(in, billing, issue_invoice(in, billing, tax, events), events);
}

void add_paid_credits(const Incoming& in, std::string_view space_id, const Space& space,
                      const TopUp& top_up, std::string_view checkout, EventSink& events) {
  auto& builder = events.builder();
  const auto space_text = builder.CreateString(space_id);
  const auto grant = builder.CreateString(top_up.grant.str());
  const auto kind = builder.CreateString("paid");
  const auto paid_by = checkout.empty() ? 0 : builder.CreateString(checkout);
  const flatbuffers::Optional<int64_t> expires =
      top_up.expires ? flatbuffers::Optional<int64_t>(to_micros(*top_up.expires))
                     : flatbuffers::nullopt;
  events.add(schema::CreateCreditsAdded(builder, space_text, grant, top_up.amount, expires,
                                        top_up.priority, kind, paid_by));
  const Time now = in.context.now;
  const bool collected = !checkout.empty();
  Billing billing{.space = collected ? &space : nullptr,
                  .space_id = collected ? space_id : std::string_view(),
                  .issue_at = {},
                  .period_from = now,
                  .period_to = now,
                  .lines = {}};
  billing.lines.push_back({.description = "credits " + top_up.grant.str(),
                           .space = std::string(space_id),
                           .quantity = 1,
                           .amount = top_up.amount,
                           .from = now,
                           .to = now,
                           .numbers = {}});
  if (!collected) return bill(in, billing, events);
  billing.lines.front().numbers.push_back(top_up.requested);
  const IssuedInvoice issued = issue_invoice(in, billing, top_up.tax, events);
  tell_paid(issued.id, issued.total, checkout, events);
}

void tell_paid(std::string_view invoice, Minor amount, std::string_view reference,
               EventSink& events) {
  auto& builder = events.builder();
  const auto id = builder.CreateString(invoice);
  events.add(schema::CreateInvoicePaid(builder, id, amount, builder.CreateString(reference)));
}

}  // namespace tenure
