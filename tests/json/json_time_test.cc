#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kFirst = -62'167'219'200 * kSecond;     // 0000-01-01T00:00:00Z
constexpr int64_t kLast = 253'402'300'800 * kSecond - 1;  // 9999-12-31T23:59:59.999999Z

std::string refusal(std::string_view text) {
  const auto time = parse_time(text);
  if (time) return "accepted";
  EXPECT_EQ(time.error().kind, ErrorKind::kInvalid);
  return time.error().message;
}

TEST(JsonTimeTest, TimesAreWrittenInUtcWithMicroseconds) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(1'795'443'660 * kSecond + 42), "2026-11-23T14:21:00.000042Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time(kFirst), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(kLast), "9999-12-31T23:59:59.999999Z");
}

TEST(JsonTimeTest, ATimeThatRfc3339CannotSayIsWrittenAsItsCount) {
  EXPECT_EQ(format_time(kLast + 1), "253402300800000000");
  EXPECT_EQ(format_time(kFirst - 1), "-62167219200000001");
  EXPECT_EQ(format_time(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(format_time(INT64_MAX), "9223372036854775807");
}

TEST(JsonTimeTest, AFractionHasOneToSixDigits) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01Z"), kSecond);
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.5Z"), 1'500'000);
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.05Z"), 1'050'000);
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.000001Z"), 1'000'001);
  EXPECT_EQ(parse_time("1969-12-31T23:59:59.25Z"), -750'000);
  for (const char* fraction : {".", ".0000001", ".1234567", ".x", ".1x", ",5", ".-1", "5"}) {
    EXPECT_THAT(refusal("1970-01-01T00:00:01" + std::string(fraction) + "Z"),
                testing::HasSubstr("a fraction is `.` and 1 to 6 digits"))
        << fraction;
  }
}

TEST(JsonTimeTest, LeapDaysAreThoseOfTheCalendar) {
  EXPECT_EQ(parse_time("2024-02-29T00:00:00Z"), 1'709'164'800 * kSecond);
  EXPECT_EQ(parse_time("2000-02-29T00:00:00Z"), 951'782'400 * kSecond);
  EXPECT_THAT(refusal("2023-02-29T00:00:00Z"), testing::HasSubstr("no such day"));
  EXPECT_THAT(refusal("1900-02-29T00:00:00Z"), testing::HasSubstr("no such day"));
  EXPECT_THAT(refusal("2026-04-31T00:00:00Z"), testing::HasSubstr("no such day"));
  EXPECT_THAT(refusal("2026-13-01T00:00:00Z"), testing::HasSubstr("no such day"));
  EXPECT_THAT(refusal("2026-00-01T00:00:00Z"), testing::HasSubstr("no such day"));
  EXPECT_THAT(refusal("2026-01-00T00:00:00Z"), testing::HasSubstr("no such day"));
}

TEST(JsonTimeTest, ATimeOfDayThatDoesNotExistIsRefused) {
  for (const char* time : {"24:00:00", "23:60:00", "23:59:60", "99:99:99"}) {
    EXPECT_THAT(refusal("2026-01-01T" + std::string(time) + "Z"),
                testing::HasSubstr("no such time of day"))
        << time;
  }
}

TEST(JsonTimeTest, AnythingButUtcIsRefused) {
  for (const char* zone : {"", "z", "+00:00", "-00:00", "+02:00", "Zulu", " Z", "Z "}) {
    EXPECT_THAT(refusal("2026-01-01T00:00:00" + std::string(zone)),
                testing::HasSubstr("not a time"))
        << zone;
  }
}

TEST(JsonTimeTest, AnyOtherShapeIsRefusedWithAnExample) {
  for (const char* text :
       {"", "2026", "2026-01-01", "2026-1-1T00:00:00Z", "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00Z", "20260101T000000Z", "+2026-01-01T00:00:00Z", "1795443660",
        "-001-01-01T00:00:00Z", "2026/01/01T00:00:00Z", "2026-01-01T00:00Z"}) {
    EXPECT_THAT(refusal(text), testing::HasSubstr("write UTC as 2026-11-23T14:21:00Z")) << text;
  }
}

RC_GTEST_PROP(JsonTimeProperties, AWrittenTimeReadsBackExactly, ()) {
  const int64_t micros = *rc::gen::inRange(kFirst, kLast + 1);
  RC_ASSERT(parse_time(format_time(micros)).value() == micros);
}

}  // namespace
}  // namespace tenure
