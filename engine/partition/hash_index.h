// A flat table from 64-bit hashes to 32-bit values, for look-ups by the hundred thousand a second.
//
// It keeps 40 bits of the hash and no keys: what it finds are candidates, and the caller holds them
// against the real key. 8 bytes a slot, one cache line a look-up (prefetch() brings it). Split into
// 256 shards that grow one by one, so that growing never stops the caller for long: at 200 million
// values a shard is moved in a few milliseconds. The hash must be keyed where keys come from
// outside. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenure {

class HashIndex {
 public:
  static constexpr uint32_t kMaxValue = 0xfffffffe;

  // One hash may have several values.
  void insert(uint64_t hash, uint32_t value);
  void erase(uint64_t hash, uint32_t value);  // must be there

  // Calls `accept(value)` for each candidate until it says true. False if none was accepted.
  template <class Accept>
  bool find(uint64_t hash, Accept&& accept) const {
    const Shard& shard = shards_[shard_of(hash)];
    if (shard.slots.empty()) return false;
    const size_t mask = shard.slots.size() - 1;
    const uint32_t tag = static_cast<uint32_t>(hash);
    for (size_t i = tag & mask; shard.slots[i] != kEmpty; i = (i + 1) & mask) {
      if (tag_of(shard.slots[i]) == tag && accept(static_cast<uint32_t>(shard.slots[i]))) {
        return true;
      }
    }
    return false;
  }

  void prefetch(uint64_t hash) const {
    const Shard& shard = shards_[shard_of(hash)];
    if (!shard.slots.empty()) {
      __builtin_prefetch(&shard.slots[static_cast<uint32_t>(hash) & (shard.slots.size() - 1)]);
    }
  }

  size_t size() const { return size_; }

 private:
  // A slot is tag:u32 value:u32; the tag's low bits are the home of the value in its shard.
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Shard {
    std::vector<uint64_t> slots;  // a power of two of them, at most 3/4 in use
    size_t used = 0;
  };

  static size_t shard_of(uint64_t hash) { return hash >> 56; }
  static uint32_t tag_of(uint64_t slot) { return static_cast<uint32_t>(slot >> 32); }
  static void place(Shard& shard, uint64_t slot);
  static void grow(Shard& shard);

  std::array<Shard, 256> shards_;
  size_t size_ = 0;
};

}  // namespace tenure
