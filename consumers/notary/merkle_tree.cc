#include "consumers/notary/merkle_tree.h"

#include <bit>

namespace tenure {
namespace {

// The largest power of two below `leaves`, which are at least two: where a tree is split.
uint64_t split_of(uint64_t leaves) { return std::bit_floor(leaves - 1); }

// MTH over the leaves begin up to end. Only ranges that begin where a subtree does.
Result<Hash> range_root(const NodeSource& nodes, TreeHasher& hasher, uint64_t begin, uint64_t end) {
  const uint64_t leaves = end - begin;
  if (std::has_single_bit(leaves)) {
    const auto level = static_cast<unsigned>(std::countr_zero(leaves));
    return nodes.node(level, begin >> level);
  }
  const uint64_t middle = begin + split_of(leaves);
  const Hash left = TRY(range_root(nodes, hasher, begin, middle));
  const Hash right = TRY(range_root(nodes, hasher, middle, end));
  return hasher.node(left, right);
}

}  // namespace

Hash Frontier::root(TreeHasher& hasher) const {
  if (roots_.empty()) return empty_tree_hash();
  Hash root = roots_.back();
  for (size_t i = roots_.size() - 1; i > 0; --i) root = hasher.node(roots_[i - 1], root);
  return root;
}

Result<Hash> tree_root(const NodeSource& nodes, uint64_t size) {
  TreeHasher hasher;
  return TRY(tree_frontier(nodes, size)).root(hasher);
}

Result<Frontier> tree_frontier(const NodeSource& nodes, uint64_t size) {
  std::vector<Hash> roots;
  uint64_t begin = 0;
  while (begin < size) {
    const uint64_t leaves = std::bit_floor(size - begin);
    const auto level = static_cast<unsigned>(std::countr_zero(leaves));
    roots.push_back(TRY(nodes.node(level, begin >> level)));
    begin += leaves;
  }
  return Frontier(size, std::move(roots));
}

Result<Proof> inclusion_proof(const NodeSource& nodes, uint64_t index, uint64_t size) {
  if (index >= size) {
    return fail(ErrorKind::kInvalid, "a tree of size " + std::to_string(size) +
                                         " does not cover decision " + std::to_string(index));
  }
  TreeHasher hasher;
  Proof from_the_root;
  uint64_t begin = 0, end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + split_of(end - begin);
    if (index < middle) {
      from_the_root.push_back(TRY(range_root(nodes, hasher, middle, end)));
      end = middle;
    } else {
      from_the_root.push_back(TRY(range_root(nodes, hasher, begin, middle)));
      begin = middle;
    }
  }
  return Proof(from_the_root.rbegin(), from_the_root.rend());
}

Result<Proof> consistency_proof(const NodeSource& nodes, uint64_t from, uint64_t size) {
  if (from == 0 || from > size) {
    return fail(ErrorKind::kInvalid, "consistency is proved from a size of 1 up to " +
                                         std::to_string(size) + ", not " + std::to_string(from));
  }
  TreeHasher hasher;
  Proof from_the_root;
  // SUBPROOF, walked down; `whole`: the range is all of the old tree, whose root is known.
  uint64_t begin = 0, end = size;
  bool whole = true;
  while (end > from) {
    const uint64_t middle = begin + split_of(end - begin);
    if (from <= middle) {
      from_the_root.push_back(TRY(range_root(nodes, hasher, middle, end)));
      end = middle;
    } else {
      from_the_root.push_back(TRY(range_root(nodes, hasher, begin, middle)));
      begin = middle;
      whole = false;
    }
  }
  if (!whole) from_the_root.push_back(TRY(range_root(nodes, hasher, begin, end)));
  return Proof(from_the_root.rbegin(), from_the_root.rend());
}

bool verify_inclusion(uint64_t index, uint64_t size, const Hash& leaf, const Proof& proof,
                      const Hash& root) {
  if (index >= size) return false;
  TreeHasher hasher;
  uint64_t node = index, last = size - 1;
  Hash hash = leaf;
  for (const Hash& each : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = hasher.node(each, hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = hasher.node(hash, each);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(uint64_t from, uint64_t to, const Hash& root_from, const Hash& root_to,
                        const Proof& proof) {
  if (from == 0 || from > to) return false;
  if (from == to) return proof.empty() && root_from == root_to;
  Proof path = proof;
  if (std::has_single_bit(from)) path.insert(path.begin(), root_from);
  if (path.empty()) return false;
  TreeHasher hasher;
  uint64_t node = from - 1, last = to - 1;
  while ((node & 1) != 0) {
    node >>= 1;
    last >>= 1;
  }
  Hash old_root = path.front(), new_root = path.front();
  for (size_t i = 1; i < path.size(); ++i) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      old_root = hasher.node(path[i], old_root);
      new_root = hasher.node(path[i], new_root);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_root = hasher.node(new_root, path[i]);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_root == root_from && new_root == root_to;
}

}  // namespace tenure
