#include <algorithm>
#include <set>

#include "engine/domain/decide_commands.h"
#include "engine/domain/dunning.h"
#include "engine/domain/invoices.h"

namespace tenure {
namespace {

// The periods of a space that an invoice of this time settles.
std::vector<Period> settling(const Space& space, bool consolidated, Time issue_at) {
  std::vector<Period> periods;
  for (const Period& period : space.periods) {
    const bool waits = !period.settled && period.issue_at <= issue_at;
    if (waits && period.consolidated == consolidated) periods.push_back(period);
  }
  return periods;
}

// Adds what one space is charged; false if none of its periods waited.
bool charge(std::string_view id, const Space& space, bool consolidated, Billing& billing) {
  const std::vector<Period> periods = settling(space, consolidated, billing.issue_at);
  if (periods.empty()) return false;
  const std::vector<Period> all = periods_of(space);
  std::vector<ChargeLine> lines = charge_lines({.space = id,
                                                .stretches = space.stretches,
                                                .counters = space.counters,
                                                .settling = periods,
                                                .periods = all});
  std::ranges::move(lines, std::back_inserter(billing.lines));
  for (const Period& period : periods) {
    const bool first = billing.period_to == Time{};
    billing.period_from = first ? period.from : std::min(billing.period_from, period.from);
    billing.period_to = std::max(billing.period_to, period.to);
  }
  return true;
}

struct FoundInvoice {
  const Caller caller;
  const InvoiceId& id;
  const Invoice& invoice;
};

Guarded<FoundInvoice> existing_invoice(const Incoming& in, const flatbuffers::String* invoice,
                                       Action action) {
  TRY(valid_id("invoice", invoice));
  const Caller caller = TRY(admit_to_any(in));
  TRY(holds(caller, action));
  const auto found = caller.organization.invoices.find(text(invoice));
  if (found != caller.organization.invoices.end()) {
    return FoundInvoice{caller, found->first, found->second};
  }
  return reject(RejectionCode::not_found,
                "there is no invoice " + in_quotes(text(invoice)) + "; check the id",
                rule_of(caller, "target exists"));
}

// A payment service tells of a payment until it is heard.
Verdict is_new_payment(const FoundInvoice& found, std::string_view reference) {
  const auto& known = found.invoice.references;
  if (std::ranges::find(known, reference) == known.end()) return {};
  return reject(RejectionCode::nothing_to_do,
                "payment " + in_quotes(reference) + " of invoice " + found.id.str() +
                    " is recorded already; another one needs a reference of its own",
                rule_of(found.caller, "a payment counts once"));
}

// The command says an amount of an invoice that is not paid.
template <class Command>
Guarded<FoundInvoice> unpaid_invoice(const Incoming& in, const Command& command) {
  TRY(valid_name("reference", command.reference()));
  TRY(valid_amount(command.amount_minor()));
  FoundInvoice found = TRY(existing_invoice(in, command.invoice(), Action::kInvoiceSettle));
  if (found.invoice.left() > 0) return found;
  return reject(RejectionCode::nothing_to_do,
                "invoice " + found.id.str() + " is paid; nothing is left of it",
                rule_of(found.caller, "an invoice is paid once"));
}

Verdict is_at_most(const Caller& caller, Minor amount, Minor most) {
  if (amount <= most) return {};
  return reject(RejectionCode::invalid_value,
                "amount_minor must be at most " + std::to_string(most) +
                    ", which is what is left of the invoice",
                rule_of(caller, "nobody pays more than an invoice says"));
}

// The tax in the first so much of an invoice: what all of it has is divided among credit notes
// without a cent left over.
Minor tax_within(const Invoice& invoice, Minor amount) {
  return share(invoice.tax, static_cast<uint64_t>(amount), static_cast<uint64_t>(invoice.total));
}

std::string note_id(uint64_t number) { return "CN-" + std::to_string(number); }

}  // namespace

Verdict decide(const Incoming& in, const schema::IssueInvoice& command, EventSink& events) {
  TRY(is_engine(in, "invoices are issued"));
  if (in.organization == nullptr) return {};
  Billing billing{.space = nullptr,
                  .space_id = text(command.space()),
                  .issue_at = from_micros(command.issue_at()),
                  .period_from = {},
                  .period_to = {},
                  .lines = {}};
  bool waited = false;
  if (command.space() != nullptr) {
    const auto found = in.organization->spaces.find(text(command.space()));
    if (found == in.organization->spaces.end()) return {};
    billing.space = &found->second;
    waited = charge(found->first, found->second, false, billing);
  } else {
    std::set<std::string_view> ids;
    for (const auto& [id, space] : in.organization->spaces) ids.insert(id.str());
    for (const std::string_view id : ids) {
      waited |= charge(id, in.organization->spaces.find(id)->second, true, billing);
    }
  }
  if (!waited) return {};
  if (!billing.lines.empty()) {
    bill(in, billing, events);
    return {};
  }
  auto& builder = events.builder();
  const auto space = command.space() == nullptr ? 0 : builder.CreateString(command.space());
  events.add(schema::CreateNothingCharged(builder, space, command.issue_at()));
  return {};
}

Verdict decide(const Incoming& in, const schema::RecordPayment& command, EventSink& events) {
  const FoundInvoice found = TRY(unpaid_invoice(in, command));
  TRY(is_new_payment(found, text(command.reference())));
  const Minor left = found.invoice.left();
  TRY(is_at_most(found.caller, command.amount_minor(), left));
  if (command.amount_minor() == left) {
    tell_paid(found.id, left, text(command.reference()), events);
    return {};
  }
  auto& builder = events.builder();
  const auto invoice = builder.CreateString(command.invoice());
  events.add(schema::CreateInvoicePartlyPaid(builder, invoice, command.amount_minor(),
                                             builder.CreateString(command.reference()),
                                             left - command.amount_minor()));
  return {};
}

Verdict decide(const Incoming& in, const schema::FailInvoicePayment& command, EventSink& events) {
  const FoundInvoice found = TRY(unpaid_invoice(in, command));
  auto& builder = events.builder();
  const auto invoice = builder.CreateString(command.invoice());
  events.add(schema::CreateInvoicePaymentFailed(builder, invoice, command.amount_minor(),
                                                builder.CreateString(command.reference())));
  if (found.invoice.step == DunningStep::kNone) {
    begin_dunning(in, found.id, found.invoice.space, events);
  }
  return {};
}

// A final invoice never changes; what a credit note says comes off what is to be paid.
Verdict decide(const Incoming& in, const schema::IssueCreditNote& command, EventSink& events) {
  TRY(valid_amount(command.amount_minor()));
  TRY(valid_name("description", command.description()));
  const FoundInvoice found =
      TRY(existing_invoice(in, command.invoice(), Action::kInvoiceCreditNote));
  const Invoice& held = found.invoice;
  const Minor amount = command.amount_minor();
  TRY(is_at_most(found.caller, amount, held.total - held.credited));

  auto& builder = events.builder();
  const std::string note = note_id(in.organization->next_credit_note);
  const auto invoice = builder.CreateString(command.invoice());
  const auto note_text = builder.CreateString(note);
  const Minor tax = tax_within(held, held.credited + amount) - tax_within(held, held.credited);
  events.add(schema::CreateCreditNoteIssued(builder, invoice, note_text,
                                            in.organization->next_credit_note, amount, tax,
                                            builder.CreateString(command.description())));
  if (held.left() > 0 && held.left() <= amount) tell_paid(found.id, 0, note, events);
  return {};
}

// Due work is never refused: an invoice that was paid meanwhile leaves nothing to do.
Verdict decide(const Incoming& in, const schema::AdvanceDunning& command, EventSink& events) {
  TRY(is_engine(in, "dunning goes on"));
  if (in.organization == nullptr) return {};
  const auto found = in.organization->invoices.find(text(command.invoice()));
  if (found == in.organization->invoices.end()) return {};
  const Invoice& invoice = found->second;
  if (invoice.next == Time{} || in.context.now < invoice.next) return {};
  advance_dunning(in, found->first, invoice, events);
  return {};
}

}  // namespace tenure
