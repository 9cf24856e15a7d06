// What decisions do to the rows of one organization: changes coalesced by key over a base view, and
// a cache of the rows read and written.
//
// One thread. get() sees the changes, then what was read before, then the base. After the changes
// are stored, settle() keeps the rows as clean cache. An error while reading the base is kept in
// status(): the changes must then be thrown away.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/arena.h"
#include "engine/base/result.h"
#include "projections/rows.h"

namespace tenure {

class RowBatch {
 public:
  // The view under the changes, which must hold what was stored when they were last settled; and
  // where keys and rows are kept, which must outlive them.
  void set_base(const RowView* base, Arena& arena) {
    base_ = base;
    arena_ = &arena;
  }

  // The base has no row of the organization, now and as long as these are kept: it is not asked.
  void know_all() { knows_all_ = true; }

  // The row's bytes (8-byte aligned), or null if there is none. Valid until the row is next put.
  const uint8_t* get(Family family, std::string_view key) { return look_up(family, key).row; }
  RowBytes bytes_of(Family family, std::string_view key) { return look_up(family, key).bytes(); }
  template <class Table>
  const Table* get(Family family, std::string_view key) {
    const uint8_t* row = get(family, key);
    return row ? flatbuffers::GetRoot<Table>(row) : nullptr;
  }
  // The same if it was put since the last settle, else null: the base is not asked.
  template <class Table>
  const Table* get_put(Family family, std::string_view key) {
    const Entry* found = find(family, key);
    if (found == nullptr || found->change != Change::kPut) return nullptr;
    return flatbuffers::GetRoot<Table>(found->row);
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
    Family family;
    Change change;
    std::string_view key_view() const { return {key, key_size}; }
    RowBytes bytes() const { return {row, row_size}; }
  };
  // Appends the changed rows in the order of (family, key). Valid until the next change.
  void changes(std::vector<const Entry*>& out) const;

  const Result<void>& status() const { return status_; }
  size_t bytes() const;  // of memory, about, but the arena's
  void settle();         // what was changed is stored now

 private:
  // The place in the table where the row's index is, or would be.
  size_t slot_of(uint64_t hash, Family family, std::string_view key) const;
  const Entry* find(Family family, std::string_view key) const;
  Entry& entry(Family family, std::string_view key, bool& fresh);
  const Entry& look_up(Family family, std::string_view key);
  Entry& changed_entry(Family family, std::string_view key, Change change);
  void store_row(Entry& entry, RowBytes row);
  void grow();

  const RowView* base_ = nullptr;
  bool knows_all_ = false;
  Arena* arena_ = nullptr;
  std::vector<Entry> entries_;
  std::vector<uint32_t> table_;    // open addressing: index + 1 into entries_
  std::vector<uint32_t> changed_;  // indexes of the changed entries
  Row scratch_;
  Result<void> status_;
};

}  // namespace tenure
