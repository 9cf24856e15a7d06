#include "projections/row_cache.h"

#include <cstring>
#include <functional>
#include <new>
#include <utility>

namespace tenure {
namespace {

// What is longer is rare, and one of them would push out hundreds of others.
constexpr size_t kLongestKey = 511, kLongestRow = 8u << 10;
constexpr size_t kOverhead = 40;  // of an entry in the tables, about

}  // namespace

// In one piece of memory: this, then the key, then the row. What is compared comes first: each line
// of memory that a look-up touches is a wait.
struct RowCache::Entry {
  Entry* next;  // in its bucket
  size_t hash;
  uint64_t generation;
  uint32_t place;  // in `entries`
  uint32_t row_size;
  uint16_t key_size;
  Family family;
  bool exists;
  bool asked;  // for, since the hand came by

  char* key() { return reinterpret_cast<char*>(this + 1); }
  uint8_t* row() { return reinterpret_cast<uint8_t*>(key() + key_size); }
  size_t bytes() const { return sizeof(Entry) + row_size + key_size + kOverhead; }
};

struct RowCache::Wanted {
  Family family;
  std::string_view key;
  // Keys of two families may be the same.
  size_t hash = std::hash<std::string_view>()(key) + static_cast<size_t>(family);

  bool is(Entry& entry) const {
    return entry.hash == hash && entry.family == family &&
           key == std::string_view(entry.key(), entry.key_size);
  }
};

void RowCache::FreeEntry::operator()(Entry* entry) const { ::operator delete(entry); }

RowCache::Entry** RowCache::Shard::find(const Wanted& wanted) {
  Entry** link = &bucket_of(wanted.hash);
  while (*link != nullptr && !wanted.is(**link)) link = &(*link)->next;
  return link;
}

void RowCache::Shard::insert(OwnedEntry entry) {
  if (entries.size() == buckets.size() / 2) grow();  // then few buckets have another's entry first
  Entry*& first = bucket_of(entry->hash);
  entry->next = first;
  first = entry.get();
  entry->place = static_cast<uint32_t>(entries.size());
  bytes += entry->bytes();
  entries.push_back(std::move(entry));
}

void RowCache::Shard::remove(Entry** link) {
  Entry& entry = **link;
  *link = entry.next;
  bytes -= entry.bytes();
  entries.back()->place = entry.place;
  std::swap(entries[entry.place], entries.back());
  entries.pop_back();
}

void RowCache::Shard::evict() {
  bool removed = false;
  while (!removed) {
    if (hand >= entries.size()) hand = 0;
    Entry& entry = *entries[hand++];
    if (std::exchange(entry.asked, false)) continue;
    remove(find({entry.family, {entry.key(), entry.key_size}, entry.hash}));
    removed = true;
  }
}

void RowCache::Shard::grow() {
  buckets.assign(buckets.size() * 2, nullptr);
  for (const OwnedEntry& entry : entries) {
    Entry*& first = bucket_of(entry->hash);
    entry->next = std::exchange(first, entry.get());
  }
}

RowCache::RowCache(size_t bytes) : shard_bytes_(bytes / kShards) {}

// By other bits of the hash than a bucket is found by.
RowCache::Shard& RowCache::shard_of(const Wanted& wanted) const {
  return shards_[wanted.hash >> 32 & (kShards - 1)];
}

RowCache::Found RowCache::find(Family family, std::string_view key, uint64_t generation,
                               Row& row) const {
  const Wanted wanted{family, key};
  Shard& shard = shard_of(wanted);
  const std::scoped_lock lock(shard.mutex);
  Entry* found = *shard.find(wanted);
  if (found == nullptr || found->generation > generation) return Found::kUnknown;
  found->asked = true;
  if (!found->exists) return Found::kNoRow;
  row.assign({found->row(), found->row_size});
  return Found::kRow;
}

void RowCache::keep(Family family, std::string_view key, uint64_t generation,
                    std::optional<RowBytes> row) {
  const size_t size = row ? row->size() : 0;
  if (key.size() > kLongestKey || size > kLongestRow) return;
  const Wanted wanted{family, key};
  OwnedEntry entry(new (::operator new(sizeof(Entry) + size + key.size()))
                       Entry{.next = nullptr,
                             .hash = wanted.hash,
                             .generation = generation,
                             .place = 0,
                             .row_size = static_cast<uint32_t>(size),
                             .key_size = static_cast<uint16_t>(key.size()),
                             .family = family,
                             .exists = row.has_value(),
                             .asked = false});
  std::memcpy(entry->key(), key.data(), key.size());
  if (size > 0) std::memcpy(entry->row(), row->data(), size);

  const std::scoped_lock newest(newest_mutex_);
  if (generation != newest_) return;
  Shard& shard = shard_of(wanted);
  const std::scoped_lock lock(shard.mutex);
  if (Entry** known = shard.find(wanted); *known != nullptr) shard.remove(known);
  shard.insert(std::move(entry));
  while (shard.bytes > shard_bytes_) shard.evict();
}

void RowCache::forget(const SortedChanges& changed, uint64_t generation) {
  {
    const std::scoped_lock lock(newest_mutex_);
    newest_ = generation;
  }
  if (is_empty()) return;
  for (const auto& family : changed.families) {
    for (const RowBatch::Entry* entry : family) {
      const Wanted wanted{entry->family, entry->key_view()};
      Shard& shard = shard_of(wanted);
      const std::scoped_lock lock(shard.mutex);
      if (Entry** known = shard.find(wanted); *known != nullptr) shard.remove(known);
    }
  }
}

// Nothing is kept while a generation is not the newest, so nothing comes in behind the answer.
bool RowCache::is_empty() const {
  for (Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    if (!shard.entries.empty()) return false;
  }
  return true;
}

}  // namespace tenure
