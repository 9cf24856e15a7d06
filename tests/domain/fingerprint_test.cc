#include "engine/domain/fingerprint.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tenure {
namespace {

TEST(UsageFingerprint, TellsSourcesAndIdsApart) {
  EXPECT_EQ(usage_fingerprint("gateway", "1"), usage_fingerprint("gateway", "1"));
  EXPECT_NE(usage_fingerprint("gateway", "1"), usage_fingerprint("gateway", "2"));
  EXPECT_NE(usage_fingerprint("gateway", "1"), usage_fingerprint("gatewa", "y1"));
  std::set<Fingerprint> seen;
  for (int i = 0; i < 100'000; ++i) seen.insert(usage_fingerprint("s", std::to_string(i)));
  EXPECT_EQ(seen.size(), 100'000u);
}

// Stored in the state store: a change of these needs a new kEvolveVersion.
TEST(UsageFingerprint, IsTheSameInEveryBuild) {
  EXPECT_EQ(usage_fingerprint("gateway", "id-1"),
            (Fingerprint{0xb91035aa1eb79534, 0x4d8fc84cf2ef06dd}));
}

TEST(FingerprintSet, AgreesWithASetOverRandomInsertions) {
  std::mt19937_64 random(1);
  FingerprintSet set, reversed;
  std::set<Fingerprint> model;
  for (int i = 0; i < 3000; ++i) {
    // Few low bits, so that slots collide and wrap around.
    const Fingerprint fingerprint{random() % 100 + 1, random() % 64 << 58 | random() % 8};
    EXPECT_EQ(set.contains(fingerprint), model.contains(fingerprint));
    EXPECT_EQ(set.insert(fingerprint), model.insert(fingerprint).second);
  }
  EXPECT_EQ(set.size(), model.size());
  std::set<Fingerprint> visited;
  set.for_each([&](Fingerprint fingerprint) { visited.insert(fingerprint); });
  EXPECT_EQ(visited, model);
  for (auto it = model.rbegin(); it != model.rend(); ++it) reversed.insert(*it);
  EXPECT_EQ(set, reversed);
  reversed.insert({1, ~uint64_t{0}});
  EXPECT_FALSE(set == reversed);
}

}  // namespace
}  // namespace tenure
