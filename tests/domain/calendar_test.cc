#include "engine/domain/calendar.h"

#include <gtest/gtest.h>

namespace tenure {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

constexpr Time at(std::chrono::year_month_day date, Duration of_day = {}) {
  return sys_days(date) + of_day;
}

TEST(Months, AreNamedAndReadBack) {
  using namespace std::chrono;
  EXPECT_EQ(month_name(month_of(at(2026y / November / 23d))), "2026-11");
  EXPECT_EQ(month_of(at(2026y / January / 1d)), month_of(at(2025y / December / 31d)) + 1);
  EXPECT_EQ(month_of(at(2026y / January / 31d, 24h - 1us)), month_of(at(2026y / January / 1d)));
  for (Month month = month_of(from_micros(0)); month < 12 * 2400; ++month) {
    EXPECT_EQ(parse_month(month_name(month)), month);
  }
}

TEST(Periods, OfAMonthKeepTheirDayWithoutDrift) {
  using namespace std::chrono;
  const Time anchor = at(2026y / January / 31d, 13h + 5min);
  const year_month_day ends[] = {2026y / February / 28d, 2026y / March / 31d, 2026y / April / 30d,
                                 2026y / May / 31d, 2026y / June / 30d};
  Time now = anchor;
  for (const year_month_day end : ends) {
    EXPECT_EQ(period_end(anchor, 1, now), at(end, 13h + 5min));
    EXPECT_EQ(period_end(anchor, 1, at(end, 13h + 5min) - 1us), at(end, 13h + 5min));
    now = at(end, 13h + 5min);
  }
}

TEST(Periods, OfAYearComeBackToALeapDay) {
  using namespace std::chrono;
  const Time anchor = at(2024y / February / 29d);
  EXPECT_EQ(period_end(anchor, 12, anchor), at(2025y / February / 28d));
  EXPECT_EQ(period_end(anchor, 12, at(2025y / February / 28d)), at(2026y / February / 28d));
  EXPECT_EQ(period_end(anchor, 12, at(2027y / March / 1d)), at(2028y / February / 29d));
}

}  // namespace
}  // namespace tenure
