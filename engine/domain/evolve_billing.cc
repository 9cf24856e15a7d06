#include <algorithm>

#include "engine/domain/calendar.h"
#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

// Of the space that an event names, or of the organization.
BillingAccount& account_of(Organization& organization, const flatbuffers::String* space) {
  return space == nullptr ? organization.account : space_of(organization, space).account;
}

// How long plans and periods that are over are kept: usage may come until the second month after
// its own is closed.
constexpr std::chrono::hours kKept{100 * 24};

// Late usage of it waits for the next invoice, which may be a year away.
bool is_awaited(const Space& space, const Period& period) {
  for (const auto& [key, counter] : space.counters) {
    for (const UsageRange& range : counter.ranges) {
      if (!range.billed && range.period_from == period.from) return true;
    }
  }
  return false;
}

// `now`: the end of a period; the one after it has begun. Plans are kept from the first month on of
// which something is still to be billed.
void forget_old(Space& space, Time now) {
  std::erase_if(space.periods, [&](const Period& period) {
    return period.settled && period.to < now - kKept && !is_awaited(space, period);
  });
  Time oldest = now - kKept;
  for (const Period& period : space.periods) oldest = std::min(oldest, period.from);
  oldest = month_begin(month_of(oldest));
  auto& stretches = space.stretches;
  const auto needed = std::find_if(stretches.begin() + 1, stretches.end(),
                                   [&](const Stretch& stretch) { return stretch.from > oldest; });
  stretches.erase(stretches.begin(), needed - 1);
}

}  // namespace

void evolve(Organization& organization, const schema::PaymentMethodSet& event, const Happened&) {
  BillingAccount& account = account_of(organization, event.space());
  account.token = text(event.token());
  account.label = text(event.label());
}

void evolve(Organization& organization, const schema::PaymentMethodRemoved& event,
            const Happened&) {
  BillingAccount& account = account_of(organization, event.space());
  account.token.clear();
  account.label.clear();
}

void evolve(Organization& organization, const schema::BillingDetailsSet& event, const Happened&) {
  account_of(organization, event.space()).country = text(event.country());
}

void evolve(Organization& organization, const schema::BillingModeChanged& event, const Happened&) {
  organization.billing_mode = text(event.billing_mode());
}

void evolve(Organization& organization, const schema::SpendingCapSet& event, const Happened&) {
  auto& caps = space_of(organization, event.space()).caps;
  if (event.amount_minor()) {
    caps[event.meter()->str()] = *event.amount_minor();
  } else {
    caps.erase(event.meter()->str());
  }
}

void evolve(Organization& organization, const schema::BillingPeriodClosed& event, const Happened&) {
  const SpaceChange space(organization, event.space());
  const Time to = from_micros(event.to());
  space->periods.push_back({.from = from_micros(event.from()),
                            .to = to,
                            .whole_from = from_micros(event.whole_from()),
                            .whole_to = from_micros(event.whole_to()),
                            .issue_at = from_micros(event.issue_at()),
                            .consolidated = event.consolidated()});
  forget_old(*space, to);
  if (event.next_to() == 0) return;
  Subscription& held = space->subscription;
  held.period_from = to;
  held.period_to = from_micros(event.next_to());
  held.anchor = from_micros(event.next_anchor());
  held.consolidated = event.next_consolidated();
}

}  // namespace tenure
