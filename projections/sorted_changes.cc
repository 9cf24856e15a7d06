#include "projections/sorted_changes.h"

#include <algorithm>

namespace tenure {
namespace {

// Lists that are sorted each, into one that is: neighbours in pairs, then pairs of pairs.
void merge_family(std::span<const SortedChanges* const> parts, size_t family,
                  std::vector<const RowBatch::Entry*>& out) {
  out.clear();
  std::vector<size_t> ends = {0};
  for (const SortedChanges* part : parts) {
    const auto& rows = part->families[family];
    out.insert(out.end(), rows.begin(), rows.end());
    ends.push_back(out.size());
  }
  const auto at = [&](size_t i) { return out.begin() + static_cast<ptrdiff_t>(ends[i]); };
  for (size_t width = 1; width < parts.size(); width *= 2) {
    for (size_t i = 0; i + width < parts.size(); i += 2 * width) {
      std::ranges::inplace_merge(at(i), at(i + width), at(std::min(i + 2 * width, parts.size())),
                                 {}, &RowBatch::Entry::key_view);
    }
  }
}

}  // namespace

size_t SortedChanges::size() const {
  size_t size = 0;
  for (const auto& family : families) size += family.size();
  return size;
}

void SortedChanges::merge(std::span<const SortedChanges* const> parts) {
  for (size_t family = 0; family < kFamilies; ++family) {
    merge_family(parts, family, families[family]);
  }
}

}  // namespace tenure
