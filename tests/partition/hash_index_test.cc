#include "engine/partition/hash_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace tenure {
namespace {

std::set<uint32_t> candidates(const HashIndex& index, uint64_t hash) {
  std::set<uint32_t> found;
  index.find(hash, [&](uint32_t value) {
    found.insert(value);
    return false;
  });
  return found;
}

TEST(HashIndex, FindsEveryValueOfAHashAndNoneOfOthers) {
  HashIndex index;
  index.insert(7, 1);
  index.insert(7, 2);
  index.insert(8, 3);
  EXPECT_EQ(candidates(index, 7), (std::set<uint32_t>{1, 2}));
  EXPECT_EQ(candidates(index, 8), (std::set<uint32_t>{3}));
  EXPECT_TRUE(candidates(index, 9).empty());
}

TEST(HashIndex, StopsAtTheValueThatIsAccepted) {
  HashIndex index;
  index.insert(7, 1);
  index.insert(7, 2);
  EXPECT_TRUE(index.find(7, [](uint32_t value) { return value == 2; }));
  EXPECT_FALSE(index.find(7, [](uint32_t value) { return value == 3; }));
}

// Few hashes in one shard, so that values lie in long runs and erasing must close holes.
TEST(HashIndex, HoldsWhatAMapHoldsUnderRandomChanges) {
  std::mt19937 random(20261123);
  for (uint64_t round = 0; round < 200; round++) {
    HashIndex index;
    std::map<uint64_t, std::set<uint32_t>> model;
    size_t size = 0;
    for (uint32_t value = 0; value < 300; value++) {
      const uint64_t hash = random() % 64;
      if (random() % 3 == 0 && !model[hash].empty()) {
        index.erase(hash, *model[hash].begin());
        model[hash].erase(model[hash].begin());
        size--;
      } else {
        index.insert(hash, value);
        model[hash].insert(value);
        size++;
      }
    }
    for (uint64_t hash = 0; hash < 64; hash++) {
      ASSERT_EQ(candidates(index, hash), model[hash]) << "round " << round;
    }
    ASSERT_EQ(index.size(), size);
  }
}

TEST(HashIndex, GrowsToAMillionValues) {
  HashIndex index;
  std::mt19937_64 random(1);
  std::vector<uint64_t> hashes;
  for (uint32_t value = 0; value < 1'000'000; value++) {
    hashes.push_back(random());
    index.insert(hashes.back(), value);
  }
  for (uint32_t value = 0; value < hashes.size(); value += 997) {
    EXPECT_TRUE(candidates(index, hashes[value]).contains(value));
  }
  EXPECT_EQ(index.size(), hashes.size());
}

}  // namespace
}  // namespace tenure
