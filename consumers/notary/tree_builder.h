// Grows a tree on a thread of its own: reading a log and hashing it take about as long as each
// other.
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

  void add(std::span<const std::byte> payload);  // copied; waits where hashing lags far behind
  // Once all are hashed. No more may be added.
  const Frontier& finish();

 private:
  struct Block {
    std::vector<std::byte> bytes;
    std::vector<size_t> sizes;  // of the payloads in it
  };
  void hand_over();
  void run();

  Frontier tree_;
  const Grown grown_;
  Block filling_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> waiting_, used_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace tenure
