#include "consumers/notary/tree_builder.h"

#include <utility>

namespace tenure {
namespace {

constexpr size_t kBlockBytes = 256u << 10;
constexpr size_t kMostWaiting = 8;  // blocks
constexpr size_t kLagging = 2;      // as many that wait keep the other thread busy meanwhile

}  // namespace

template <class See>
void TreeBuilder::Block::each(See see) const {
  std::span<const std::byte> rest(bytes);
  for (const size_t size : sizes) {
    see(rest.first(size));
    rest = rest.subspan(size);
  }
}

TreeBuilder::TreeBuilder(Frontier from, Grown grown)
    : tree_(std::move(from)), grown_(std::move(grown)), thread_([this] { run(); }) {}

TreeBuilder::~TreeBuilder() { (void)finish(); }

void TreeBuilder::add(std::span<const std::byte> payload) {
  filling_.bytes.insert(filling_.bytes.end(), payload.begin(), payload.end());
  filling_.sizes.push_back(payload.size());
  if (filling_.bytes.size() >= kBlockBytes) hand_over();
}

bool TreeBuilder::lags() {
  const std::scoped_lock lock(mutex_);
  return waiting_.size() >= kLagging;
}

void TreeBuilder::hand_over() {
  if (lags()) {
    filling_.each([this](auto payload) { filling_.leaves.push_back(helper_.leaf(payload)); });
  }
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
    if (block.leaves.empty()) {
      block.each([&](auto payload) { block.leaves.push_back(hasher.leaf(payload)); });
    }
    for (const Hash& leaf : block.leaves) {
      tree_.append(hasher, leaf, [](const Hash&) {});
      grown_(tree_, hasher);
    }
    block.bytes.clear();
    block.sizes.clear();
    block.leaves.clear();
    const std::scoped_lock lock(mutex_);
    used_.push_back(std::move(block));
  }
}

}  // namespace tenure
