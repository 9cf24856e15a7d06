#include "engine/partition/hash_index.h"

#include "engine/base/check.h"

namespace tenure {

void HashIndex::place(Shard& shard, uint64_t slot) {
  const size_t mask = shard.slots.size() - 1;
  size_t i = tag_of(slot) & mask;
  while (shard.slots[i] != kEmpty) i = (i + 1) & mask;
  shard.slots[i] = slot;
}

void HashIndex::grow(Shard& shard) {
  std::vector<uint64_t> old(shard.slots.empty() ? 16 : shard.slots.size() * 2, kEmpty);
  old.swap(shard.slots);
  for (uint64_t slot : old) {
    if (slot != kEmpty) place(shard, slot);
  }
}

void HashIndex::insert(uint64_t hash, uint32_t value) {
  CHECK(value <= kMaxValue);
  Shard& shard = shards_[shard_of(hash)];
  if ((shard.used + 1) * 4 > shard.slots.size() * 3) grow(shard);
  place(shard, uint64_t{static_cast<uint32_t>(hash)} << 32 | value);
  shard.used++;
  size_++;
}

void HashIndex::erase(uint64_t hash, uint32_t value) {
  Shard& shard = shards_[shard_of(hash)];
  CHECK(shard.used > 0);
  const size_t mask = shard.slots.size() - 1;
  const uint64_t wanted = uint64_t{static_cast<uint32_t>(hash)} << 32 | value;
  size_t hole = wanted >> 32 & mask;
  while (shard.slots[hole] != wanted) {
    CHECK(shard.slots[hole] != kEmpty);
    hole = (hole + 1) & mask;
  }
  // Close the hole: whatever follows and may lie nearer to its home moves into it.
  for (size_t i = (hole + 1) & mask; shard.slots[i] != kEmpty; i = (i + 1) & mask) {
    const size_t home = tag_of(shard.slots[i]) & mask;
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      shard.slots[hole] = shard.slots[i];
      hole = i;
    }
  }
  shard.slots[hole] = kEmpty;
  shard.used--;
  size_--;
}

}  // namespace tenure
