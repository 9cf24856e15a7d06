#include "projections/sorted_changes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tenure {
namespace {

uint64_t big_endian(uint64_t bytes) {
  static_assert(std::endian::native == std::endian::little);
  return __builtin_bswap64(bytes);
}

// Sorts by the first bytes that differ at all, which are looked up once: keys lie all over the
// memory, and begin alike.
void sort_family(std::vector<const RowBatch::Entry*>& rows) {
  if (rows.size() < 2) return;
  const std::string_view first = rows.front()->key_view();
  size_t alike = first.size();
  for (const RowBatch::Entry* row : rows) {
    const std::string_view key = row->key_view();
    const auto end = key.begin() + static_cast<ptrdiff_t>(std::min(alike, key.size()));
    alike = static_cast<size_t>(std::mismatch(key.begin(), end, first.begin()).first - key.begin());
  }
  struct Item {
    uint64_t head, more;  // what follows, big-endian; of a shorter key with zeros
    const RowBatch::Entry* row;
  };
  std::vector<Item> items;
  items.reserve(rows.size());
  for (const RowBatch::Entry* row : rows) {
    std::array<uint64_t, 2> bytes{};
    const std::string_view rest = row->key_view().substr(alike, sizeof bytes);
    std::memcpy(bytes.data(), rest.data(), rest.size());
    items.push_back({big_endian(bytes[0]), big_endian(bytes[1]), row});
  }
  std::ranges::sort(items, [](const Item& a, const Item& b) {
    if (a.head != b.head) return a.head < b.head;
    if (a.more != b.more) return a.more < b.more;
    return a.row->key_view() < b.row->key_view();
  });
  std::ranges::transform(items, rows.begin(), &Item::row);
}

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

void SortedChanges::clear() {
  for (auto& family : families) family.clear();
}

void SortedChanges::sort() {
  for (auto& family : families) sort_family(family);
}

void SortedChanges::append(const SortedChanges& more) {
  for (size_t family = 0; family < kFamilies; ++family) {
    const auto& rows = more.families[family];
    families[family].insert(families[family].end(), rows.begin(), rows.end());
  }
}

void SortedChanges::merge(std::span<const SortedChanges* const> parts) {
  for (size_t family = 0; family < kFamilies; ++family) {
    merge_family(parts, family, families[family]);
  }
}

}  // namespace tenure
