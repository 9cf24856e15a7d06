// Rows of the read models and how they are read: one interface for the live rows at one moment
// (store.h) and for those of one organization as of the past (memory_rows.h).
//
// A row is a finished FlatBuffer of schemas/rows.fbs (history chunks apart: key_layout.h). A view
// never changes while it is held. Threads: a view may be used by any number of threads at once, a
// cursor and a Row by one. Errors: kCorrupt or kIo when the bytes cannot be read; the read models
// must then be rebuilt (read_models.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "flatbuffers/flatbuffers.h"

namespace tenure {

// The read models, each a column family of its own. The values are stored in snapshots: append
// only.
enum class Family : uint8_t { kMembership = 0, kUsage = 1, kBilling = 2, kHistory = 3 };
inline constexpr size_t kFamilies = 4;
inline constexpr Family kAllFamilies[kFamilies] = {Family::kMembership, Family::kUsage,
                                                   Family::kBilling, Family::kHistory};
// The families whose rows are an organization's state: those that `as_of` builds anew.
inline constexpr Family kStateFamilies[] = {Family::kMembership, Family::kUsage, Family::kBilling};
std::string_view family_name(Family family);

using RowBytes = std::span<const uint8_t>;

// An owned, 8-byte aligned copy of one row; reused from read to read.
class Row {
 public:
  void assign(RowBytes bytes);
  bool empty() const { return size_ == 0; }
  RowBytes bytes() const { return {reinterpret_cast<const uint8_t*>(words_.data()), size_}; }
  template <class Table>
  const Table& as() const {
    return *flatbuffers::GetRoot<Table>(words_.data());
  }

 private:
  std::vector<uint64_t> words_;
  size_t size_ = 0;
};

// Walks the rows of one key prefix in key order. Key and row are valid until the cursor moves.
class RowCursor {
 public:
  virtual ~RowCursor() = default;
  virtual bool valid() const = 0;  // false after the last row, and after an error
  virtual std::string_view key() const = 0;
  virtual RowBytes bytes() const = 0;  // not aligned: assign to a Row before reading a table
  virtual void next() = 0;
  virtual void seek(std::string_view key) = 0;  // the first row at or after `key`
  virtual Result<void> status() const = 0;      // whether the walk ended for want of rows
};

class RowView {
 public:
  virtual ~RowView() = default;
  // True, with `row` filled, if there is such a row.
  virtual Result<bool> get(Family family, std::string_view key, Row& row) const = 0;
  virtual std::unique_ptr<RowCursor> scan(Family family, std::string_view prefix) const = 0;
};

}  // namespace tenure
