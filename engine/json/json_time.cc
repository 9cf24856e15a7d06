#include <chrono>

#include "engine/base/time.h"
#include "engine/json/json_text.h"

namespace tenure {

namespace {

using std::chrono::days;
using std::chrono::January;
using std::chrono::year;

constexpr Time kYear0 = std::chrono::sys_days(year(0) / January / 1);
constexpr Time kYear10000 = std::chrono::sys_days(year(10000) / January / 1);

void put_digits(char* at, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

bool get_digits(std::string_view text, size_t at, size_t digits, unsigned& value) {
  value = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return true;
}

std::unexpected<Error> not_a_time(std::string_view what) {
  return fail(ErrorKind::kInvalid, "not a time: " + std::string(what) +
                                       "; write UTC as 2026-11-23T14:21:00Z, with at most 6 digits "
                                       "of a fraction");
}

// `text` is what follows the seconds: ".123Z" or "Z".
Result<unsigned> parse_fraction(std::string_view text) {
  if (!text.ends_with('Z')) return not_a_time("only `Z` (UTC) may end it");
  text.remove_suffix(1);
  if (text.empty()) return 0u;
  const size_t digits = text.size() - 1;
  unsigned micros = 0;
  if (text[0] != '.' || digits < 1 || digits > 6 || !get_digits(text, 1, digits, micros)) {
    return not_a_time("a fraction is `.` and 1 to 6 digits");
  }
  for (size_t i = digits; i < 6; ++i) micros *= 10;
  return micros;
}

}  // namespace

void json::append_time(int64_t micros, std::string& out) {
  const Time time = from_micros(micros);
  if (time < kYear0 || time >= kYear10000) {
    out += std::to_string(micros);
    return;
  }
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const auto since_midnight = static_cast<uint64_t>((time - day).count());
  const auto seconds = static_cast<unsigned>(since_midnight / 1'000'000);
  char text[] = "0000-00-00T00:00:00.000000Z";
  put_digits(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(text + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 11, seconds / 3600, 2);
  put_digits(text + 14, seconds / 60 % 60, 2);
  put_digits(text + 17, seconds % 60, 2);
  put_digits(text + 20, static_cast<unsigned>(since_midnight % 1'000'000), 6);
  out.append(text, sizeof(text) - 1);
}

std::string format_time(int64_t micros) {
  std::string out;
  json::append_time(micros, out);
  return out;
}

Result<int64_t> parse_time(std::string_view text) {
  unsigned y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  const bool shape = get_digits(text, 0, 4, y) && get_digits(text, 5, 2, mo) &&
                     get_digits(text, 8, 2, d) && get_digits(text, 11, 2, h) &&
                     get_digits(text, 14, 2, mi) && get_digits(text, 17, 2, s) && text[4] == '-' &&
                     text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':';
  if (!shape) return not_a_time("not YYYY-MM-DDThh:mm:ssZ");
  const auto date = year(static_cast<int>(y)) / std::chrono::month(mo) / std::chrono::day(d);
  if (!date.ok()) return not_a_time("there is no such day");
  if (h > 23 || mi > 59 || s > 59) return not_a_time("there is no such time of day");
  const unsigned fraction = TRY(parse_fraction(text.substr(19)));
  const int64_t seconds = (int64_t{h} * 60 + mi) * 60 + s;
  return to_micros(std::chrono::sys_days(date)) + seconds * 1'000'000 + fraction;
}

}  // namespace tenure
