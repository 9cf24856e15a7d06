// When usage counts: shared by the decision and by what it does to the state.
#pragma once

#include "engine/domain/calendar.h"

namespace tenure {

// A month is still open this long after its end, for usage that comes late.
inline constexpr std::chrono::hours kUsageGrace{1};
// Entries are remembered and counted until their month and this many after it are closed.
inline constexpr Month kMonthsRemembered = 2;

// The oldest month whose entries still count at `now`.
inline Month oldest_open_month(Time now) { return month_of(now - kUsageGrace) - kMonthsRemembered; }

}  // namespace tenure
