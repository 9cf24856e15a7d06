#include "engine/base/text_map.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <string>

namespace tenure {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Ages = TextMap<UserId, int>;

TEST(TextMap, FindsWhatWasPutIn) {
  Ages ages;
  EXPECT_EQ(ages.find("ada"), ages.end());
  EXPECT_TRUE(ages.try_emplace(UserId("ada"), 36).second);
  EXPECT_FALSE(ages.try_emplace(UserId("ada"), 99).second);
  ages[UserId("alan")] = 41;
  ages.insert_or_assign(UserId("alan"), 42);
  EXPECT_EQ(ages.at("ada"), 36);
  EXPECT_EQ(ages.at("alan"), 42);
  EXPECT_FALSE(ages.contains("grace"));
  EXPECT_THROW((void)ages.at("grace"), std::out_of_range);
}

TEST(TextMap, TheLastEntryTakesAnErasedOnesPlace) {
  Ages ages;
  for (const char* user : {"a", "b", "c"}) ages[UserId(user)] = 1;
  ages.erase("a");
  ages.erase("nobody");
  EXPECT_THAT(ages, ElementsAre(Pair(UserId("c"), 1), Pair(UserId("b"), 1)));
}

TEST(TextMap, EqualInWhateverOrder) {
  Ages one, other;
  for (const char* user : {"a", "b"}) one[UserId(user)] = 1;
  for (const char* user : {"b", "a"}) other[UserId(user)] = 1;
  EXPECT_EQ(one, other);
  other[UserId("a")] = 2;
  EXPECT_NE(one, other);
  other.erase("a");
  EXPECT_NE(one, other);
}

TEST(TextMap, IsClearedWhole) {
  Ages ages;
  ages[UserId("a")] = 1;
  ages.clear();
  EXPECT_TRUE(ages.empty());
  EXPECT_FALSE(ages.contains("a"));
  ages[UserId("a")] = 2;
  EXPECT_EQ(ages.at("a"), 2);
}

TEST(TextMap, BehavesLikeAMapWhateverIsDone) {
  std::mt19937_64 random(1);
  for (int run = 0; run < 50; ++run) {
    Ages ages;
    std::map<std::string, int, std::less<>> expected;
    const size_t users = 1 + random() % 300;
    for (int i = 0; i < 2000; ++i) {
      const std::string user = "u" + std::to_string(random() % users);
      ages.prefetch_slot(user);
      ages.prefetch_entry(user);
      if (random() % 5 < 2) {
        ages.erase(user);
        expected.erase(user);
      } else {
        ages[UserId(user)] = i;
        expected[user] = i;
      }
      ASSERT_EQ(ages.size(), expected.size());
      ASSERT_EQ(ages.contains(user), expected.contains(user));
    }
    for (const auto& [user, age] : expected) ASSERT_EQ(ages.at(user), age);
  }
}

}  // namespace
}  // namespace tenure
