// Rows that were read, kept until a write changes them: a check asks for the same few again and
// again, and a look-up in RocksDB is ten times as long (README).
//
// A view is of a generation: how many writes came before it. What was read under one generation is
// true under every later one until forget() takes it out; so keep() leaves out what was read under
// a generation that is no longer the newest. What is not kept is unknown, never wrong. Bounded in
// bytes: what was not asked for lately goes first. Threads: any; forget() from one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "projections/rows.h"
#include "projections/sorted_changes.h"

namespace tenure {

class RowCache {
 public:
  explicit RowCache(size_t bytes);

  enum class Found : uint8_t { kUnknown, kNoRow, kRow };
  // kRow: it is in `row`.
  Found find(Family family, std::string_view key, uint64_t generation, Row& row) const;

  // What a view of `generation` found; nothing: that there is no such row.
  void keep(Family family, std::string_view key, uint64_t generation, std::optional<RowBytes> row);

  // These were written: views from now on are of `generation`, which is the next.
  void forget(const SortedChanges& changed, uint64_t generation);

 private:
  struct Entry;
  struct FreeEntry {
    void operator()(Entry* entry) const;
  };
  using OwnedEntry = std::unique_ptr<Entry, FreeEntry>;
  struct Wanted;  // the key of an entry, as it is looked up

  // A hash table of its own lock. Who has to go is found by the clock algorithm: the hand goes
  // round and takes the first that nobody asked for since it last came by. (In the order of last
  // use, each look-up would write to the neighbours of what it found.)
  struct Shard {
    mutable std::mutex mutex;
    std::vector<Entry*> buckets = std::vector<Entry*>(16);  // a power of two
    std::vector<OwnedEntry> entries;
    size_t hand = 0;
    size_t bytes = 0;

    Entry*& bucket_of(size_t hash) { return buckets[hash & (buckets.size() - 1)]; }
    Entry** find(const Wanted& wanted);  // the link to it, or to nothing at its bucket's end
    void insert(OwnedEntry entry);
    void remove(Entry** link);
    void evict();
    void grow();
  };
  static constexpr size_t kShards = 16;
  Shard& shard_of(const Wanted& wanted) const;
  bool is_empty() const;

  const size_t shard_bytes_;
  mutable std::array<Shard, kShards> shards_;
  std::mutex newest_mutex_;  // held over a keep(), so that none slips in behind a forget()
  uint64_t newest_ = 0;      // by newest_mutex_
};

}  // namespace tenure
