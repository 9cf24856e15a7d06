// Months of the usage counters: year * 12 + month - 1, UTC; 0 stands for a gauge, which has none.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "engine/base/time.h"

namespace tenure {

inline constexpr uint32_t kGaugeMonth = 0;

inline uint32_t month_of(Time time) {
  std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return static_cast<uint32_t>(static_cast<int>(day.year()) * 12) +
         static_cast<unsigned>(day.month()) - 1;
}

inline Time month_begin(uint32_t month) {
  auto first = std::chrono::year(static_cast<int>(month / 12)) /
               std::chrono::month(month % 12 + 1) / std::chrono::day(1);
  return Time(std::chrono::sys_days(first));
}

// "2026-11" as UsageThresholdReached writes it; anything else: kGaugeMonth.
inline uint32_t parse_month(std::string_view text) {
  size_t dash = text.find('-');
  if (dash == std::string_view::npos) return kGaugeMonth;
  uint32_t year = 0, month = 0;
  std::from_chars(text.data(), text.data() + dash, year);
  std::from_chars(text.data() + dash + 1, text.data() + text.size(), month);
  return year * 12 + month - 1;
}

}  // namespace tenure
