// Grows a tree on a thread of its own: reading a log and hashing it take about as long as each
// other. Where hashing lags, who adds hashes the leaves of what was added, instead of waiting.
//
// One thread adds; `grown` is called on the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "consumers/notary/merkle_tree.h"

namespace tenure {

class TreeBuilder {
 public:
  // After each decision, with the tree that it is in.
  using Grown = std::function<void(const Frontier&, TreeHasher&)>;
  TreeBuilder(Frontier from, Grown grown);
  ~TreeBuilder();
  TreeBuilder(const TreeBuilder&) = delete;

  void add(std::span<const std::byte> payload);  // copied; takes longer where hashing lags
  // Once all are hashed. No more may be added.
  const Frontier& finish();

 private:
  struct Block {
    std::vector<std::byte> bytes;
    std::vector<size_t> sizes;  // of the payloads in it
    std::vector<Hash> leaves;   // of them, or nothing: still to be hashed

    // Calls `see` with each payload.
    template <class See>
    void each(See see) const;
  };
  bool lags();
  void hand_over();
  void run();

  Frontier tree_;
  const Grown grown_;
  Block filling_;
  TreeHasher helper_;  // of who adds

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> waiting_, used_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace tenure
