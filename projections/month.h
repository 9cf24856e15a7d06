// Months as the usage model keys them: Month of the domain; 0 stands for a gauge, which has none.
#pragma once

#include "engine/domain/calendar.h"

namespace tenure {

inline constexpr Month kGaugeMonth = 0;

inline Time month_begin(Month month) {
  auto first = std::chrono::year(static_cast<int>(month / 12)) /
               std::chrono::month(month % 12 + 1) / std::chrono::day(1);
  return Time(std::chrono::sys_days(first));
}

}  // namespace tenure
