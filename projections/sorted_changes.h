// The changed rows of a batch, or of several, in the order in which they are written.
//
// They point into the batches. One thread.
#pragma once

#include <array>
#include <span>
#include <vector>

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

}  // namespace tenure
