#include "engine/domain/calendar.h"

#include <algorithm>
#include <charconv>

#include "engine/base/check.h"

namespace tenure {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::year_month_day;

// `anchor` moved on by whole months; its day is kept, or the last one there is.
Time months_later(Time anchor, int64_t months) {
  const auto midnight = floor<days>(anchor);
  const year_month_day date(midnight);
  const auto month = date.year() / date.month() + std::chrono::months(months);
  const auto last = (month / std::chrono::last).day();
  return std::chrono::sys_days(month / std::min(date.day(), last)) + (anchor - midnight);
}

}  // namespace

Month month_of(Time time) {
  const year_month_day date(floor<days>(time));
  return static_cast<Month>(static_cast<int>(date.year()) * 12) +
         static_cast<unsigned>(date.month()) - 1;
}

std::string month_name(Month month) {
  const std::string year = std::to_string(month / 12);
  const unsigned number = month % 12 + 1;
  std::string name(year.size() < 4 ? 4 - year.size() : 0, '0');
  return name + year + (number < 10 ? "-0" : "-") + std::to_string(number);
}

Month parse_month(std::string_view month_name) {
  const size_t dash = month_name.find('-');
  CHECK(dash != std::string_view::npos);
  const char* begin = month_name.data();
  Month year = 0, month = 0;
  std::from_chars(begin, begin + dash, year);
  std::from_chars(begin + dash + 1, begin + month_name.size(), month);
  CHECK(month >= 1 && month <= 12);
  return year * 12 + month - 1;
}

Time month_begin(Month month) {
  const auto first = std::chrono::year(static_cast<int>(month / 12)) /
                     std::chrono::month(month % 12 + 1) / std::chrono::day(1);
  return Time(std::chrono::sys_days(first));
}

namespace {

// How many months after the anchor the period that holds `now` ends.
int64_t months_to_end(Time anchor, uint32_t months, Time now) {
  const int64_t whole = int64_t{month_of(now)} - int64_t{month_of(anchor)};
  int64_t end = whole / months * months;
  while (months_later(anchor, end) <= now) end += months;
  return end;
}

}  // namespace

Time period_end(Time anchor, uint32_t months, Time now) {
  return months_later(anchor, months_to_end(anchor, months, now));
}

Time period_begin(Time anchor, uint32_t months, Time now) {
  return months_later(anchor, months_to_end(anchor, months, now) - months);
}

}  // namespace tenure
