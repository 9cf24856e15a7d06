// A tree in memory, by its definition: what the real ones are held against.
#pragma once

#include <bit>
#include <string>
#include <vector>

#include "consumers/notary/merkle_tree.h"
#include "tests/log/log_fixture.h"

namespace tenure::test {

// MTH of RFC 9162, 2.1.1, word by word.
inline Hash root_of(const std::vector<std::string>& leaves) {
  TreeHasher hasher;
  if (leaves.empty()) return hasher.sha256({});
  if (leaves.size() == 1) return hasher.leaf(as_bytes(leaves.front()));
  const auto split = static_cast<ptrdiff_t>(std::bit_floor(leaves.size() - 1));
  return hasher.node(root_of({leaves.begin(), leaves.begin() + split}),
                     root_of({leaves.begin() + split, leaves.end()}));
}

class MemoryTree final : public NodeSource {
 public:
  explicit MemoryTree(std::vector<std::string> leaves) : leaves_(std::move(leaves)) {}
  Result<Hash> node(unsigned level, uint64_t index) const override {
    const auto begin = leaves_.begin() + static_cast<ptrdiff_t>(index << level);
    return root_of({begin, begin + (ptrdiff_t{1} << level)});
  }
  Hash root(uint64_t size) const {
    return root_of({leaves_.begin(), leaves_.begin() + static_cast<ptrdiff_t>(size)});
  }
  Hash leaf(uint64_t index) const { return root_of({leaves_[index]}); }

 private:
  std::vector<std::string> leaves_;
};

}  // namespace tenure::test
