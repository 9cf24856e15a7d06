#include "engine/base/arena.h"

#include <sys/mman.h>

#include <algorithm>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr size_t kLargePage = 2u << 20;
constexpr size_t kFirstBlock = 512, kLastBlock = 8 * kLargePage;

constexpr size_t up_to(size_t multiple, size_t size) {
  return (size + multiple - 1) / multiple * multiple;
}

}  // namespace

uint8_t* Arena::take(size_t size) {
  size = up_to(8, size);
  if (size > left_) next_block(size);
  uint8_t* taken = next_;
  next_ += size;
  left_ -= size;
  bytes_ += size;
  return taken;
}

void Arena::next_block(size_t size) {
  while (used_ < blocks_.size() && blocks_[used_].size < size) ++used_;
  if (used_ == blocks_.size()) {
    size = std::max(size, std::clamp(held_, kFirstBlock, kLastBlock));
    const bool large = size >= kLargePage;
    if (large) size = up_to(kLargePage, size);
    auto* memory =
        static_cast<uint8_t*>(large ? std::aligned_alloc(kLargePage, size) : std::malloc(size));
    CHECK(memory != nullptr);
    if (large) (void)::madvise(memory, size, MADV_HUGEPAGE);  // a wish
    blocks_.push_back({std::unique_ptr<uint8_t, Freed>(memory), size});
    held_ += size;
  }
  next_ = blocks_[used_].memory.get();
  left_ = blocks_[used_++].size;
}

void Arena::clear() { used_ = left_ = bytes_ = 0; }

}  // namespace tenure
