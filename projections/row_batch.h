// What a batch of decisions does to rows: changes coalesced by key over a base view, and a bounded
// cache of the rows read and written.
//
// One thread. get() sees the batch's own changes, then what it read before, then the base. After
// the changes are stored, settle() keeps the rows as clean cache for the next batch. An error while
// reading the base is kept in status(): the batch must then be thrown away.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "projections/rows.h"

namespace tenure {

class RowBatch {
 public:
  explicit RowBatch(size_t cache_bytes) : cache_bytes_(cache_bytes) {}

  // The view under the batch; must hold what was stored when the last batch was settled.
  void set_base(const RowView* base) { base_ = base; }

  // The row's bytes (8-byte aligned), or null if there is none. Valid until the row is next put.
  const uint8_t* get(Family family, std::string_view key);
  template <class Table>
  const Table* get(Family family, std::string_view key) {
    const uint8_t* row = get(family, key);
    return row ? flatbuffers::GetRoot<Table>(row) : nullptr;
  }
  void put(Family family, std::string_view key, RowBytes row);
  void put(Family family, std::string_view key, const flatbuffers::FlatBufferBuilder& finished) {
    put(family, key, RowBytes(finished.GetBufferPointer(), finished.GetSize()));
  }
  void erase(Family family, std::string_view key);
  // Adds `bytes` to the end of the row, which is not read. Such rows cannot be got from a batch.
  void append(Family family, std::string_view key, RowBytes bytes);

  enum class Change : uint8_t { kNone, kPut, kErase, kAppend };
  struct Entry {
    uint64_t hash;
    const char* key;
    uint8_t* row;  // null: no such row
    uint32_t key_size, row_size, capacity;
    uint32_t next_of_org;  // index + 1 of the organization's next entry
    Family family;
    Change change;
    std::string_view key_view() const { return {key, key_size}; }
    RowBytes bytes() const { return {row, row_size}; }
  };
  // The changed rows, in the order of (organization, family, key).
  std::vector<const Entry*> changes() const;
  // The changed rows of one organization, in no particular order.
  void each_change(std::string_view organization_prefix,
                   const std::function<void(const Entry&)>& visit) const;

  const Result<void>& status() const { return status_; }
  size_t bytes() const { return arena_.used; }
  void settle();   // what was changed is stored now
  void discard();  // forget everything, the error too

 private:
  struct Arena {
    std::vector<std::unique_ptr<uint64_t[]>> blocks;
    size_t left = 0, used = 0;
    uint8_t* next = nullptr;
    uint8_t* take(size_t size);
    void clear();
  };

  Entry& entry(Family family, std::string_view key, bool& fresh);
  void store_row(Entry& entry, RowBytes row);
  void grow();

  size_t cache_bytes_;
  const RowView* base_ = nullptr;
  Arena arena_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> table_;  // open addressing: index + 1 into entries_
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> first_of_org_;
  uint32_t* current_first_ = nullptr;  // of the organization last looked up
  std::string current_org_;
  Row scratch_;
  Result<void> status_;
};

}  // namespace tenure
