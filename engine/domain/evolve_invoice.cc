#include "engine/domain/evolve_events.h"
#include "engine/domain/invoice_lines.h"

namespace tenure {
namespace {

// What an invoice has, or nothing of which was charged, waits for none any more.
void settle(Space& space, bool consolidated, Time issue_at) {
  std::vector<Period> settling;
  for (const Period& period : space.periods) {
    const bool waits = !period.settled && period.issue_at <= issue_at;
    if (waits && period.consolidated == consolidated) settling.push_back(period);
  }
  if (settling.empty()) return;
  const std::vector<Period> periods = periods_of(space);
  for (auto& [key, counter] : space.counters) {
    for (UsageRange& range : counter.ranges) {
      range.billed |= is_charged(range, settling, periods);
    }
  }
  for (Period& period : space.periods) {
    for (const Period& settled : settling) period.settled |= period == settled;
  }
}

template <class Event>
void settle(Organization& organization, const Event& event) {
  const Time issue_at = from_micros(event.issue_at());
  if (event.space() != nullptr) {
    const SpaceChange space(organization, event.space());
    return settle(*space, false, issue_at);
  }
  for (auto& [id, space] : organization.spaces) {
    const SpaceChange change(organization, id, space);
    settle(*change, true, issue_at);
  }
}

// An invoice while an event changes it: its due work, and whom it suspends, is what it then says.
class InvoiceChange {
 public:
  InvoiceChange(Organization& organization, const flatbuffers::String* id)
      : organization_(organization), found_(organization.invoices.find(text(id))) {
    CHECK(found_ != organization.invoices.end());
    if (const auto item = due_item(found_->first, found_->second)) organization_.due.erase(*item);
    organization_.suspending -= found_->second.step >= DunningStep::kSuspended;
  }
  ~InvoiceChange() {
    Invoice& invoice = found_->second;
    if (invoice.left() <= 0) {
      invoice.next = {};
      invoice.step = DunningStep::kNone;
      invoice.references.clear();
    }
    if (auto item = due_item(found_->first, invoice)) organization_.due.insert(std::move(*item));
    organization_.suspending += invoice.step >= DunningStep::kSuspended;
  }
  InvoiceChange(const InvoiceChange&) = delete;
  InvoiceChange& operator=(const InvoiceChange&) = delete;
  Invoice* operator->() const { return &found_->second; }

 private:
  Organization& organization_;
  std::map<InvoiceId, Invoice, std::less<>>::iterator found_;
};

template <class Event>
void step(Organization& organization, const Event& event, DunningStep to) {
  const InvoiceChange invoice(organization, event.invoice());
  invoice->step = to;
  invoice->next = from_micros(event.next());
}

}  // namespace

void evolve(Organization& organization, const schema::InvoiceIssued& event, const Happened&) {
  if (event.issue_at() != 0) settle(organization, event);
  const Time due = from_micros(event.due());
  organization.invoices.insert_or_assign(InvoiceId(text(event.invoice())),
                                         Invoice{.space = SpaceId(text(event.space())),
                                                 .number = event.number(),
                                                 .total = event.total_minor(),
                                                 .tax = event.tax_minor(),
                                                 .due = due,
                                                 .next = due});
  organization.next_invoice = event.number() + 1;
  const InvoiceChange indexed(organization, event.invoice());
}

void evolve(Organization& organization, const schema::NothingCharged& event, const Happened&) {
  settle(organization, event);
}

// Both are for the payment service.
void evolve(Organization&, const schema::PaymentWanted&, const Happened&) {}
void evolve(Organization&, const schema::InvoicePaymentFailed&, const Happened&) {}

void evolve(Organization& organization, const schema::InvoicePaid& event, const Happened&) {
  const InvoiceChange invoice(organization, event.invoice());
  invoice->paid += event.amount_minor();
}

void evolve(Organization& organization, const schema::InvoicePartlyPaid& event, const Happened&) {
  const InvoiceChange invoice(organization, event.invoice());
  invoice->paid += event.amount_minor();
  invoice->references.push_back(event.reference()->str());
}

void evolve(Organization& organization, const schema::CreditNoteIssued& event, const Happened&) {
  const InvoiceChange invoice(organization, event.invoice());
  invoice->credited += event.amount_minor();
  organization.next_credit_note = event.number() + 1;
}

void evolve(Organization& organization, const schema::SubscriptionPastDue& event, const Happened&) {
  step(organization, event, DunningStep::kPastDue);
}

void evolve(Organization& organization, const schema::SubscriptionWarned& event, const Happened&) {
  step(organization, event, DunningStep::kWarned);
}

void evolve(Organization& organization, const schema::SubscriptionSuspended& event,
            const Happened&) {
  step(organization, event, DunningStep::kSuspended);
}

void evolve(Organization& organization, const schema::DunningEnded& event, const Happened&) {
  const InvoiceChange invoice(organization, event.invoice());
  invoice->step = DunningStep::kEnded;
  invoice->next = {};
}

}  // namespace tenure
