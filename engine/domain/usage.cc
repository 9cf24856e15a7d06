#include "engine/domain/usage.h"

#include <ranges>

#include "engine/domain/invoice_lines.h"

namespace tenure {
namespace {

uint64_t add_saturated(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

}  // namespace

UsedUnder used_under(const Space& space, Time at) {
  const Subscription& held = space.subscription;
  if (held.status == SubscriptionStatus::kActive && at >= held.period_from) {
    return {&held.terms, held.period_from};
  }
  for (const Period& period : std::views::reverse(space.periods)) {
    if (at < period.from || at >= period.to) continue;
    if (const Stretch* stretch = stretch_at(space.stretches, at)) {
      return {&stretch->terms, period.from};
    }
  }
  return {&held.terms, std::nullopt};
}

void count_use(Counter& counter, const UsedUnder& under, std::string_view meter, uint64_t quantity,
               Number number) {
  const uint64_t from = counter.used;
  counter.used = add_saturated(from, quantity);
  const schema::MeterTerms* terms = under.terms->meter(meter);
  const bool priced = terms != nullptr && terms->tiers() != nullptr;
  if (!under.period_from || !priced || counter.used == from) return;
  if (!counter.ranges.empty()) {
    UsageRange& last = counter.ranges.back();
    if (last.to == from && !last.billed && last.period_from == *under.period_from &&
        last.terms == *under.terms) {
      last.to = counter.used;
      last.last = number;
      return;
    }
  }
  counter.ranges.push_back({.terms = *under.terms,
                            .period_from = *under.period_from,
                            .from = from,
                            .to = counter.used,
                            .first = number,
                            .last = number});
}

}  // namespace tenure
