// When usage counts, and under which plan: shared by the decision and by what it does to the state.
#pragma once

#include "engine/domain/calendar.h"

namespace tenure {

// A month is still open this long after its end, for usage that comes late.
inline constexpr std::chrono::hours kUsageGrace{1};
// Entries are remembered and counted until their month and this many after it are closed.
inline constexpr Month kMonthsRemembered = 2;

// The oldest month whose entries still count at `now`.
inline Month oldest_open_month(Time now) { return month_of(now - kUsageGrace) - kMonthsRemembered; }

// The plan that holds for what was used at `at`: the one held now, or, of a period that is over,
// the one held then. No period: nobody is billed for it.
struct UsedUnder {
  const PlanTerms* terms;
  std::optional<Time> period_from;
};
UsedUnder used_under(const Space& space, Time at);

// Adds what decision `number` recorded to the counter of a month.
void count_use(Counter& counter, const UsedUnder& under, std::string_view meter, uint64_t quantity,
               Number number);

}  // namespace tenure
