// Months and billing periods, UTC.
#pragma once

#include <string>

#include "engine/base/time.h"
#include "engine/domain/state.h"

namespace tenure {

Month month_of(Time time);
std::string month_name(Month month);             // "2026-11"
Month parse_month(std::string_view month_name);  // the reverse; of a name made so
Time month_begin(Month month);

// When the period that holds `now` ends, of those of `months` months each counted from `anchor`
// (not after `now`). A month that lacks the anchor's day takes its last, without drift: 31 Jan,
// 28 Feb, 31 Mar.
Time period_end(Time anchor, uint32_t months, Time now);
Time period_begin(Time anchor, uint32_t months, Time now);  // of the same

}  // namespace tenure
