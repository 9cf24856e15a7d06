#include "projections/row_batch.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "projections/key_layout.h"

namespace tenure {
namespace {

constexpr size_t kArenaBlock = 1u << 20;

size_t aligned(size_t size) { return (size + 7) & ~size_t{7}; }

uint64_t hash_of(Family family, std::string_view key) {
  return std::hash<std::string_view>{}(key) + static_cast<uint64_t>(family);
}

// The organization in whose range a key lies; "" for keys outside any.
std::string_view org_of(std::string_view key) { return key.substr(0, key.find(Key::kSeparator)); }

}  // namespace

uint8_t* RowBatch::Arena::take(size_t size) {
  size = aligned(size);
  if (size > left) {
    size_t block = std::max(size, kArenaBlock);
    blocks.push_back(std::make_unique_for_overwrite<uint64_t[]>(block / 8));
    next = reinterpret_cast<uint8_t*>(blocks.back().get());
    left = block;
  }
  uint8_t* taken = next;
  next += size;
  left -= size;
  used += size;
  return taken;
}

void RowBatch::Arena::clear() { *this = Arena{}; }

RowBatch::Entry& RowBatch::entry(Family family, std::string_view key, bool& fresh) {
  if ((entries_.size() + 1) * 2 > table_.size()) grow();
  uint64_t hash = hash_of(family, key);
  size_t mask = table_.size() - 1;
  size_t slot = hash & mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    Entry& found = entries_[table_[slot] - 1];
    if (found.hash == hash && found.family == family && found.key_view() == key) {
      fresh = false;
      return found;
    }
  }
  fresh = true;
  std::string_view org = org_of(key);
  if (current_first_ == nullptr || current_org_ != org) {
    current_first_ = &first_of_org_.try_emplace(std::string(org), 0).first->second;
    current_org_.assign(org);
  }
  auto* owned_key = reinterpret_cast<char*>(arena_.take(key.size()));
  std::memcpy(owned_key, key.data(), key.size());
  entries_.push_back({.hash = hash,
                      .key = owned_key,
                      .row = nullptr,
                      .key_size = static_cast<uint32_t>(key.size()),
                      .row_size = 0,
                      .capacity = 0,
                      .next_of_org = *current_first_,
                      .family = family,
                      .change = Change::kNone});
  *current_first_ = table_[slot] = static_cast<uint32_t>(entries_.size());
  return entries_.back();
}

void RowBatch::grow() {
  table_.assign(std::max<size_t>(4096, table_.size() * 2), 0);
  size_t mask = table_.size() - 1;
  for (size_t index = 0; index < entries_.size(); ++index) {
    size_t slot = entries_[index].hash & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = static_cast<uint32_t>(index + 1);
  }
}

void RowBatch::store_row(Entry& entry, RowBytes row) {
  if (entry.row == nullptr || entry.capacity < row.size()) {
    entry.row = arena_.take(row.size());
    entry.capacity = static_cast<uint32_t>(aligned(row.size()));
  }
  if (!row.empty()) std::memcpy(entry.row, row.data(), row.size());
  entry.row_size = static_cast<uint32_t>(row.size());
}

const uint8_t* RowBatch::get(Family family, std::string_view key) {
  bool fresh = false;
  Entry& found = entry(family, key, fresh);
  if (fresh) {
    Result<bool> there = base_->get(family, key, scratch_);
    if (!there) {
      if (status_) status_ = std::unexpected(there.error());
    } else if (*there) {
      store_row(found, scratch_.bytes());
    }
  }
  CHECK(found.change != Change::kAppend);
  return found.row;
}

void RowBatch::put(Family family, std::string_view key, RowBytes row) {
  bool fresh = false;
  Entry& changed = entry(family, key, fresh);
  store_row(changed, row);
  changed.change = Change::kPut;
}

void RowBatch::erase(Family family, std::string_view key) {
  bool fresh = false;
  Entry& changed = entry(family, key, fresh);
  changed.row = nullptr;
  changed.row_size = changed.capacity = 0;
  changed.change = Change::kErase;
}

void RowBatch::append(Family family, std::string_view key, RowBytes bytes) {
  bool fresh = false;
  Entry& changed = entry(family, key, fresh);
  size_t size = changed.row_size + bytes.size();
  if (changed.capacity < size) {
    uint8_t* wider = arena_.take(size * 2);
    if (changed.row_size > 0) std::memcpy(wider, changed.row, changed.row_size);
    changed.row = wider;
    changed.capacity = static_cast<uint32_t>(aligned(size * 2));
  }
  std::memcpy(changed.row + changed.row_size, bytes.data(), bytes.size());
  changed.row_size = static_cast<uint32_t>(size);
  changed.change = Change::kAppend;
}

std::vector<const RowBatch::Entry*> RowBatch::changes() const {
  // Sorting organizations, then each one's few rows, compares far less than sorting all rows.
  std::vector<std::pair<std::string_view, uint32_t>> orgs(first_of_org_.begin(),
                                                          first_of_org_.end());
  std::ranges::sort(orgs);
  std::vector<const Entry*> sorted;
  sorted.reserve(entries_.size());
  for (const auto& [org, first] : orgs) {
    size_t begin = sorted.size();
    for (uint32_t at = first; at != 0; at = entries_[at - 1].next_of_org) {
      if (entries_[at - 1].change != Change::kNone) sorted.push_back(&entries_[at - 1]);
    }
    std::sort(sorted.begin() + static_cast<ptrdiff_t>(begin), sorted.end(),
              [](const Entry* a, const Entry* b) {
                return a->family != b->family ? a->family < b->family
                                              : a->key_view() < b->key_view();
              });
  }
  return sorted;
}

void RowBatch::each_change(std::string_view organization_prefix,
                           const std::function<void(const Entry&)>& visit) const {
  auto org = first_of_org_.find(org_of(organization_prefix));
  if (org == first_of_org_.end()) return;
  for (uint32_t at = org->second; at != 0; at = entries_[at - 1].next_of_org) {
    if (entries_[at - 1].change != Change::kNone) visit(entries_[at - 1]);
  }
}

void RowBatch::settle() {
  if (arena_.used > cache_bytes_) return discard();
  for (Entry& entry : entries_) {
    if (entry.change == Change::kAppend) entry.row_size = 0;
    entry.change = Change::kNone;
  }
}

void RowBatch::discard() {
  arena_.clear();
  entries_.clear();
  std::ranges::fill(table_, 0);
  first_of_org_.clear();
  current_first_ = nullptr;
  status_ = {};
}

}  // namespace tenure
