#include "engine/base/murmur2.h"

#include <gtest/gtest.h>

#include <vector>

namespace tenure {
namespace {

struct Vector {
  std::string_view key;
  uint32_t hash;
  uint32_t partition;  // of 16
};

// What the Java client says of each: tests/kafka/murmur2_test.py asks it again.
const std::vector<Vector> kVectors = {
    {"", 275646681u, 9},
    {"a", 2731586172u, 12},
    {"ab", 316155434u, 10},
    {"abc", 479470107u, 11},
    {"abcd", 2971317748u, 4},
    {"abcde", 461995741u, 13},
    {"21", 3321034988u, 12},
    {"foobar", 3504634814u, 14},
    {"a-little-bit-long-string", 3308985760u, 0},
    {"a-little-bit-longer-string", 2808662467u, 3},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 4236069325u, 13},
    {"acme", 3013318916u, 4},
    {"globex", 2890638975u, 15},
    {"initech", 304781106u, 2},
    {"umbrella-corp", 1202135863u, 7},
    {"org-0", 4157944744u, 8},
    {"org-1", 3643204931u, 3},
    {"org-2", 2919837957u, 5},
    {"org-3", 463606416u, 0},
    {"org-42", 751962165u, 5},
    {"org-99999", 2252862623u, 15},
    {"0193e4c8-7c1f-7d7a-9a1e-3f1f0b9c2d11", 297438800u, 0},
    {"A.b_c:d-e", 794653357u, 13},
    {"Zürich", 2743826481u, 1},
    {"東京", 2926581291u, 11},
};

TEST(Murmur2, HashesAsTheJavaClient) {
  for (const Vector& each : kVectors) EXPECT_EQ(murmur2(each.key), each.hash) << each.key;
}

TEST(Murmur2, SpreadsOrganizationsAsTheJavaClientsDefaultPartitioner) {
  for (const Vector& each : kVectors) {
    EXPECT_EQ(partition_of(each.key, 16), each.partition) << each.key;
    EXPECT_EQ(partition_of(each.key, 1), 0u);
  }
}

// Published with the Java client's own tests (UtilsTest.testMurmur2).
TEST(Murmur2, AgreesWithKafkasPublishedConstants) {
  EXPECT_EQ(static_cast<int32_t>(murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<int32_t>(murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<int32_t>(murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<int32_t>(murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<int32_t>(murmur2("abc")), 479470107);
}

}  // namespace
}  // namespace tenure
