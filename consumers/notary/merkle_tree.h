// The tree of RFC 9162, section 2.1, over the leaves 0, 1, 2, ...: growing it, proving from it,
// verifying.
//
// A node (level, index) is the complete subtree over the leaves index * 2^level up to, but not,
// (index + 1) * 2^level; level 0 are the leaves' own hashes.
#pragma once

#include <cstdint>
#include <vector>

#include "consumers/notary/merkle_hash.h"
#include "engine/base/result.h"

namespace tenure {

// The right edge of a growing tree: the roots of the complete subtrees that its leaves make up,
// largest first. All that growing it takes, O(log n). One thread.
class Frontier {
 public:
  Frontier() = default;
  Frontier(uint64_t size, std::vector<Hash> roots) : size_(size), roots_(std::move(roots)) {}

  // Appends the next leaf. `completed(hash)` is told of the leaf and then of each complete subtree
  // that it closes, lowest first.
  template <class Completed>
  void append(TreeHasher& hasher, const Hash& leaf, Completed&& completed) {
    completed(leaf);
    roots_.push_back(leaf);
    for (uint64_t left = size_++; (left & 1) != 0; left >>= 1) {
      const Hash right = roots_.back();
      roots_.pop_back();
      roots_.back() = hasher.node(roots_.back(), right);
      completed(roots_.back());
    }
  }

  uint64_t size() const { return size_; }
  Hash root(TreeHasher& hasher) const;

 private:
  uint64_t size_ = 0;
  std::vector<Hash> roots_;
};

// Where the hashes of complete subtrees are kept. Errors: as reading does.
class NodeSource {
 public:
  virtual ~NodeSource() = default;
  virtual Result<Hash> node(unsigned level, uint64_t index) const = 0;
};

// Of the tree over the first `size` leaves; every node of them is asked for at most once.
Result<Hash> tree_root(const NodeSource& nodes, uint64_t size);
Result<Frontier> tree_frontier(const NodeSource& nodes, uint64_t size);

using Proof = std::vector<Hash>;
// PATH(index, size) and PROOF(from, size). kInvalid unless index < size, and 0 < from <= size.
Result<Proof> inclusion_proof(const NodeSource& nodes, uint64_t index, uint64_t size);
Result<Proof> consistency_proof(const NodeSource& nodes, uint64_t from, uint64_t size);

// Sections 2.1.3.2 and 2.1.4.2. They read nothing but their arguments.
bool verify_inclusion(uint64_t index, uint64_t size, const Hash& leaf, const Proof& proof,
                      const Hash& root);
bool verify_consistency(uint64_t from, uint64_t to, const Hash& root_from, const Hash& root_to,
                        const Proof& proof);

}  // namespace tenure
