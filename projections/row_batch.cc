#include "projections/row_batch.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace tenure {
namespace {

size_t aligned(size_t size) { return (size + 7) & ~size_t{7}; }

uint64_t hash_of(Family family, std::string_view key) {
  return XXH3_64bits(key.data(), key.size()) + static_cast<uint64_t>(family);
}

}  // namespace

size_t RowBatch::bytes() const {
  return sizeof *this + entries_.capacity() * sizeof(Entry) + table_.capacity() * sizeof(uint32_t);
}

size_t RowBatch::slot_of(uint64_t hash, Family family, std::string_view key) const {
  const size_t mask = table_.size() - 1;
  size_t slot = hash & mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    const Entry& found = entries_[table_[slot] - 1];
    if (found.hash == hash && found.family == family && found.key_view() == key) break;
  }
  return slot;
}

const RowBatch::Entry* RowBatch::find(Family family, std::string_view key) const {
  if (table_.empty()) return nullptr;
  const uint32_t index = table_[slot_of(hash_of(family, key), family, key)];
  return index == 0 ? nullptr : &entries_[index - 1];
}

RowBatch::Entry& RowBatch::entry(Family family, std::string_view key, bool& fresh) {
  if ((entries_.size() + 1) * 2 > table_.size()) grow();
  const uint64_t hash = hash_of(family, key);
  uint32_t& index = table_[slot_of(hash, family, key)];
  fresh = index == 0;
  if (!fresh) return entries_[index - 1];
  auto* owned_key = reinterpret_cast<char*>(arena_->take(key.size()));
  std::memcpy(owned_key, key.data(), key.size());
  entries_.push_back({.hash = hash,
                      .key = owned_key,
                      .row = nullptr,
                      .key_size = static_cast<uint32_t>(key.size()),
                      .row_size = 0,
                      .capacity = 0,
                      .family = family,
                      .change = Change::kNone});
  index = static_cast<uint32_t>(entries_.size());
  return entries_.back();
}

void RowBatch::grow() {
  table_.assign(std::max<size_t>(32, table_.size() * 2), 0);
  size_t mask = table_.size() - 1;
  for (size_t index = 0; index < entries_.size(); ++index) {
    size_t slot = entries_[index].hash & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = static_cast<uint32_t>(index + 1);
  }
}

void RowBatch::store_row(Entry& entry, RowBytes row) {
  if (entry.row == nullptr || entry.capacity < row.size()) {
    entry.row = arena_->take(row.size());
    entry.capacity = static_cast<uint32_t>(aligned(row.size()));
  }
  if (!row.empty()) std::memcpy(entry.row, row.data(), row.size());
  entry.row_size = static_cast<uint32_t>(row.size());
}

const RowBatch::Entry& RowBatch::look_up(Family family, std::string_view key) {
  bool fresh = false;
  Entry& found = entry(family, key, fresh);
  if (fresh && !knows_all_) {
    Result<bool> there = base_->get(family, key, scratch_);
    if (!there) {
      if (status_) status_ = std::unexpected(there.error());
    } else if (*there) {
      store_row(found, scratch_.bytes());
    }
  }
  CHECK(found.change != Change::kAppend);
  return found;
}

RowBatch::Entry& RowBatch::changed_entry(Family family, std::string_view key, Change change) {
  bool fresh = false;
  Entry& changed = entry(family, key, fresh);
  if (changed.change == Change::kNone) {
    changed_.push_back(static_cast<uint32_t>(&changed - entries_.data()));
  }
  changed.change = change;
  return changed;
}

void RowBatch::put(Family family, std::string_view key, RowBytes row) {
  store_row(changed_entry(family, key, Change::kPut), row);
}

void RowBatch::erase(Family family, std::string_view key) {
  Entry& erased = changed_entry(family, key, Change::kErase);
  erased.row = nullptr;
  erased.row_size = erased.capacity = 0;
}

void RowBatch::append(Family family, std::string_view key, RowBytes bytes) {
  Entry& chunk = changed_entry(family, key, Change::kAppend);
  size_t size = chunk.row_size + bytes.size();
  if (chunk.capacity < size) {
    size_t capacity = aligned(size * 2);
    uint8_t* wider = arena_->take(capacity);
    if (chunk.row_size > 0) std::memcpy(wider, chunk.row, chunk.row_size);
    chunk.row = wider;
    chunk.capacity = static_cast<uint32_t>(capacity);
  }
  std::memcpy(chunk.row + chunk.row_size, bytes.data(), bytes.size());
  chunk.row_size = static_cast<uint32_t>(size);
}

void RowBatch::changes(std::vector<const Entry*>& out) const {
  auto begin = static_cast<ptrdiff_t>(out.size());
  for (uint32_t index : changed_) out.push_back(&entries_[index]);
  std::sort(out.begin() + begin, out.end(), [](const Entry* a, const Entry* b) {
    return a->family != b->family ? a->family < b->family : a->key_view() < b->key_view();
  });
}

void RowBatch::settle() {
  for (uint32_t index : changed_) {
    Entry& entry = entries_[index];
    if (entry.change == Change::kAppend) entry.row_size = 0;
    entry.change = Change::kNone;
  }
  changed_.clear();
}

}  // namespace tenure
