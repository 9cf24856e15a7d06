#include "consumers/notary/tree_builder.h"

#include <utility>

namespace tenure {
namespace {

constexpr size_t kBlockBytes = 256u << 10;
constexpr size_t kMostWaiting = 8;  // blocks

}  // namespace

TreeBuilder::TreeBuilder(Frontier from, Grown grown)
    : tree_(std::move(from)), grown_(std::move(grown)), thread_([this] { run(); }) {}

TreeBuilder::~TreeBuilder() { (void)finish(); }

void TreeBuilder::add(std::span<const std::byte> payload) {
  filling_.bytes.insert(filling_.bytes.end(), payload.begin(), payload.end());
  filling_.sizes.push_back(payload.size());
  if (filling_.bytes.size() >= kBlockBytes) hand_over();
}

void TreeBuilder::hand_over() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.size() < kMostWaiting; });
  waiting_.push_back(std::exchange(filling_, {}));
  if (!used_.empty()) {
    filling_ = std::move(used_.front());
    used_.pop_front();
  }
  changed_.notify_all();
}

const Frontier& TreeBuilder::finish() {
  if (!thread_.joinable()) return tree_;
  hand_over();
  {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }
  thread_.join();
  return tree_;
}

void TreeBuilder::run() {
  TreeHasher hasher;
  Block block;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return finished_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      block = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
    }
    std::span<const std::byte> bytes(block.bytes);
    for (const size_t size : block.sizes) {
      tree_.append(hasher, hasher.leaf(bytes.first(size)), [](const Hash&) {});
      bytes = bytes.subspan(size);
      grown_(tree_, hasher);
    }
    block.bytes.clear();
    block.sizes.clear();
    const std::scoped_lock lock(mutex_);
    used_.push_back(std::move(block));
  }
}

}  // namespace tenure
