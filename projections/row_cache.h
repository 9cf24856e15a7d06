// Rows that were read, kept until a write changes them: a check asks for the same few again and
// again, and a look-up in RocksDB is ten times as long (README).
//
// A view is of a generation: how many writes came before it. What was read under one generation is
// true under every later one until forget() takes it out; so keep() leaves out what was read under
// a generation that is no longer the newest. What is not kept is unknown, never wrong. Bounded in
// bytes, the least recently used go first. Threads: any; forget() from one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "projections/rows.h"
#include "projections/sorted_changes.h"

namespace rocksdb {
class Cache;
}

namespace tenure {

class RowCache {
 public:
  explicit RowCache(size_t bytes);
  ~RowCache();

  enum class Found : uint8_t { kUnknown, kNoRow, kRow };
  // kRow: it is in `row`.
  Found find(Family family, std::string_view key, uint64_t generation, Row& row) const;

  // What a view of `generation` found; nothing: that there is no such row.
  void keep(Family family, std::string_view key, uint64_t generation, std::optional<RowBytes> row);

  // These were written: views from now on are of `generation`, which is the next.
  void forget(const SortedChanges& changed, uint64_t generation);

 private:
  std::shared_ptr<rocksdb::Cache> rows_;
  mutable std::mutex newest_mutex_;  // held over a keep(), so that none slips in behind a forget()
  uint64_t newest_ = 0;              // by newest_mutex_
};

}  // namespace tenure
