#include "engine/domain/plan_preview.h"

#include "engine/domain/plans.h"
#include "engine/domain/tax.h"

namespace tenure {
namespace {

// The period that is billed next, and the stretches as they will have been.
struct Foreseen {
  Period period;
  std::vector<Stretch> stretches;
  Time effective;
};

Foreseen foresee(const Organization& organization, const Space& space, const schema::Plan& wanted,
                 Time now) {
  const Subscription& held = space.subscription;
  std::vector<Stretch> stretches = space.stretches;
  const PlanTerms terms = PlanTerms::copy_of(wanted);
  if (held.status != SubscriptionStatus::kActive) {
    stretches.push_back({terms, now, {}});
    if (!is_paid(wanted))
      return {
          {.from = now, .to = now, .whole_from = now, .whole_to = now}, std::move(stretches), now};
    Subscription started = held;
    const NextPeriod next = next_period(organization, nullptr, wanted.period_months(), now);
    started.terms = terms;
    started.period_from = now;
    started.period_to = next.to;
    started.anchor = next.anchor;
    return {current_period(started, next.to, next.to), std::move(stretches), now};
  }
  if (!is_paid(wanted)) {
    return {current_period(held, held.period_to, held.period_to), std::move(stretches),
            held.period_to};
  }
  const bool restarts = held.terms.get().period_months() != wanted.period_months();
  const Time to = restarts ? now : held.period_to;
  if (!restarts && held.terms.name() != terms.name()) stretches.push_back({terms, now, {}});
  return {current_period(held, to, to), std::move(stretches), now};
}

}  // namespace

PlanPreview preview_change(const Organization& organization, std::string_view space_id,
                           const Space& space, const schema::Plan& wanted, Time now,
                           const Catalog& catalog) {
  const Foreseen foreseen = foresee(organization, space, wanted, now);
  PlanPreview preview{.effective = foreseen.effective, .period_to = foreseen.period.to};
  std::vector<Period> periods = space.periods;
  periods.push_back(foreseen.period);
  preview.lines = charge_lines({.space = space_id,
                                .stretches = foreseen.stretches,
                                .counters = space.counters,
                                .settling = std::span(&foreseen.period, 1),
                                .periods = periods});
  preview.net = sum_of(preview.lines);
  const bool active = space.subscription.status == SubscriptionStatus::kActive;
  const bool consolidated =
      active ? space.subscription.consolidated : is_consolidated(organization);
  preview.tax = tax_for(organization, consolidated ? nullptr : &space, catalog).of(preview.net);
  return preview;
}

}  // namespace tenure
