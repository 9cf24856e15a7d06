#include "engine/base/ids.h"

#include <gtest/gtest.h>

#include <unordered_map>

namespace tenure {
namespace {

TEST(Position, IsWrittenAndReadAsPartitionColonNumber) {
  Position position{{3}, {41}};
  EXPECT_EQ(format_position(position), "3:41");
  EXPECT_EQ(parse_position("3:41"), position);
}

TEST(Position, AnythingElseIsNoPosition) {
  for (const char* text : {"", ":", "3", "3:", ":41", "3:41 ", " 3:41", "3:4x", "-1:2", "3:-1",
                           "4294967296:1", "0:18446744073709551616"}) {
    EXPECT_EQ(parse_position(text), std::nullopt) << text;
  }
}

TEST(TextId, IsFoundByTextWithoutACopy) {
  std::unordered_map<UserId, int, TextHash, std::equal_to<>> ages;
  ages[UserId("bob")] = 41;
  EXPECT_EQ(ages.find(std::string_view("bob"))->second, 41);
  EXPECT_EQ(ages.find(std::string_view("eve")), ages.end());
}

}  // namespace
}  // namespace tenure
