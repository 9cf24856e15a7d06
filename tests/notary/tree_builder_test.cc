// A tree that grows on a thread of its own is the one by definition, whoever hashed its leaves.
#include "consumers/notary/tree_builder.h"

#include <gmock/gmock.h>

#include <latch>

#include "tests/notary/memory_tree.h"

namespace tenure::test {
namespace {

constexpr size_t kPayload = 64u << 10;

std::vector<std::string> payloads(size_t count) {
  std::vector<std::string> all;
  for (size_t i = 0; i < count; ++i)
    all.emplace_back(i % 7 == 0 ? 0 : kPayload, char('a' + i % 26));
  return all;
}

TEST(TreeBuilderTest, IsTheSameTreeWhereWhoAddsHasToHelp) {
  const std::vector<std::string> leaves = payloads(100);
  std::latch released(1);
  std::vector<uint64_t> sizes;
  TreeHasher of_test;
  TreeBuilder builder({}, [&](const Frontier& tree, TreeHasher&) {
    released.wait();  // nothing is hashed on that thread meanwhile but the first block
    sizes.push_back(tree.size());
  });
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (i == 30) released.count_down();  // seven blocks: eight may wait
    builder.add(as_bytes(leaves[i]));
  }
  EXPECT_EQ(builder.finish().root(of_test), root_of(leaves));
  std::vector<uint64_t> every(leaves.size());
  std::ranges::generate(every, [size = uint64_t{0}]() mutable { return ++size; });
  EXPECT_EQ(sizes, every);
}

TEST(TreeBuilderTest, GoesOnFromATree) {
  const std::vector<std::string> leaves = payloads(40);
  TreeHasher hasher;
  Frontier begun;
  for (size_t i = 0; i < 11; ++i)
    begun.append(hasher, hasher.leaf(as_bytes(leaves[i])), [](auto&) {});
  TreeBuilder builder(begun, [](const Frontier&, TreeHasher&) {});
  for (size_t i = 11; i < leaves.size(); ++i) builder.add(as_bytes(leaves[i]));
  EXPECT_EQ(builder.finish().root(hasher), root_of(leaves));
}

}  // namespace
}  // namespace tenure::test
