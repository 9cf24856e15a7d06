// Months as the usage model keys them: Month of the domain; 0 stands for a gauge, which has none.
#pragma once

#include <charconv>
#include <string_view>

#include "engine/domain/calendar.h"

namespace tenure {

inline constexpr Month kGaugeMonth = 0;

inline Time month_begin(Month month) {
  auto first = std::chrono::year(static_cast<int>(month / 12)) /
               std::chrono::month(month % 12 + 1) / std::chrono::day(1);
  return Time(std::chrono::sys_days(first));
}

// "2026-11" as UsageThresholdReached writes it; anything else: kGaugeMonth.
inline Month parse_month(std::string_view text) {
  size_t dash = text.find('-');
  if (dash == std::string_view::npos) return kGaugeMonth;
  uint32_t year = 0, month = 0;
  std::from_chars(text.data(), text.data() + dash, year);
  std::from_chars(text.data() + dash + 1, text.data() + text.size(), month);
  return year * 12 + month - 1;
}

}  // namespace tenure
