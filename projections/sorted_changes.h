// The changed rows of a batch, or of several, in the order in which they are written.
//
// They point into the batches. One thread.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "projections/row_batch.h"

namespace tenure {

struct SortedChanges {
  // By family, each in the order of its keys.
  std::array<std::vector<const RowBatch::Entry*>, kFamilies> families;

  size_t size() const;
  void clear();
  void sort();  // if they came in another order
  // Becomes what all of `parts` are together; no key is in two of them.
  void merge(std::span<const SortedChanges* const> parts);
  // Adds what sorts behind everything here.
  void append(const SortedChanges& more);
};

// Calls `take` with each row in order, until it fails. Rows lie all over the memory: those that
// come soon are fetched into the cache meanwhile.
template <class Take>
Result<void> for_each_row(std::span<const RowBatch::Entry* const> rows, Take take) {
  constexpr size_t kEntryAhead = 12, kRowAhead = 6;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kEntryAhead < rows.size()) __builtin_prefetch(rows[i + kEntryAhead]);
    if (i + kRowAhead < rows.size()) {
      __builtin_prefetch(rows[i + kRowAhead]->key);
      __builtin_prefetch(rows[i + kRowAhead]->row);
    }
    TRY(take(*rows[i]));
  }
  return {};
}

}  // namespace tenure
