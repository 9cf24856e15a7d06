#include "engine/partition/used_ids.h"

#include <gmock/gmock.h>

namespace tenure {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time kStart{days(20'000)};

std::vector<uint64_t> numbers(const UsedIds& ids, uint64_t hash) {
  std::vector<Number> found;
  ids.find(hash, found);
  std::vector<uint64_t> numbers;
  for (Number number : found) numbers.push_back(number.value);
  return numbers;
}

TEST(UsedIds, AreFoundInEveryDayOfTheWindowNewestFirst) {
  UsedIds ids(hours(48), 100);
  ids.add(20'000, {7, {5}});
  ids.add(20'001, {7, {9}});
  ids.add(20'002, {8, {10}});
  EXPECT_THAT(numbers(ids, 7), ElementsAre(9, 5));
  EXPECT_THAT(numbers(ids, 9), IsEmpty());
}

TEST(UsedIds, AreForgottenByWholeDaysAndNeverInsideTheWindow) {
  UsedIds ids(hours(24 * 7), 100);
  const Time used_late = kStart + hours(24) - Duration(1);
  ids.add(day_of(kStart), {1, {1}});
  ids.add(day_of(used_late), {2, {2}});
  ids.forget(used_late + hours(24 * 7));
  EXPECT_THAT(numbers(ids, 2), ElementsAre(2));
  EXPECT_THAT(numbers(ids, 1), ElementsAre(1)) << "its day is kept for the other's sake";
  ids.forget(used_late + hours(24 * 7) + Duration(1));
  EXPECT_THAT(numbers(ids, 1), IsEmpty());
  EXPECT_THAT(numbers(ids, 2), IsEmpty());
  EXPECT_EQ(ids.size(), 0u);
}

TEST(UsedIds, AreFullAtTheLimitAndHaveRoomAgainWhenADayGoes) {
  UsedIds ids(hours(24), 2);
  ids.add(day_of(kStart), {1, {1}});
  EXPECT_FALSE(ids.full({2}));
  ids.add(day_of(kStart), {2, {2}});
  EXPECT_TRUE(ids.full({3}));
  ids.forget(kStart + days(2));
  EXPECT_FALSE(ids.full({3}));
}

TEST(UsedIds, AreFullWhenADayHasMoreDecisionsThanItCanNumber) {
  UsedIds ids(hours(24), 100);
  ids.add(day_of(kStart), {1, {1}});
  EXPECT_TRUE(ids.full({uint64_t{1} + HashIndex::kMaxValue}));
}

}  // namespace
}  // namespace tenure
