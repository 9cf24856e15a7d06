#include "projections/row_cache.h"

#include <rocksdb/cache.h>

#include <array>
#include <cstring>

namespace tenure {
namespace {

constexpr int kShardBits = 4;
// What is longer is rare, and one of them would push out hundreds of others.
constexpr size_t kLongestKey = 511, kLongestRow = 8u << 10;
constexpr size_t kOverhead = 100;  // of an entry, about

// As it lies in the cache: this, then the bytes.
struct Kept {
  uint64_t generation;
  uint32_t size;
  bool exists;
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
};

void free_kept(const rocksdb::Slice&, void* value) { ::operator delete(value); }

// The family, then the key; keys of two families may be the same.
class CacheKey {
 public:
  CacheKey(Family family, std::string_view key) : size_(key.size() + 1) {
    text_[0] = static_cast<char>(family);
    std::memcpy(text_.data() + 1, key.data(), key.size());
  }
  rocksdb::Slice slice() const { return {text_.data(), size_}; }

 private:
  std::array<char, kLongestKey + 1> text_;
  size_t size_;
};

}  // namespace

RowCache::RowCache(size_t bytes) : rows_(rocksdb::NewLRUCache(bytes, kShardBits)) {}
RowCache::~RowCache() = default;

RowCache::Found RowCache::find(Family family, std::string_view key, uint64_t generation,
                               Row& row) const {
  if (key.size() > kLongestKey) return Found::kUnknown;
  auto* handle = rows_->Lookup(CacheKey(family, key).slice());
  if (handle == nullptr) return Found::kUnknown;
  const auto& kept = *static_cast<const Kept*>(rows_->Value(handle));
  Found found = Found::kUnknown;
  if (kept.generation <= generation) {
    found = kept.exists ? Found::kRow : Found::kNoRow;
    if (kept.exists) row.assign({kept.bytes(), kept.size});
  }
  rows_->Release(handle);
  return found;
}

void RowCache::keep(Family family, std::string_view key, uint64_t generation,
                    std::optional<RowBytes> row) {
  const size_t size = row ? row->size() : 0;
  if (key.size() > kLongestKey || size > kLongestRow) return;
  void* memory = ::operator new(sizeof(Kept) + size);
  auto* kept = new (memory) Kept{generation, static_cast<uint32_t>(size), row.has_value()};
  if (size > 0) std::memcpy(kept->bytes(), row->data(), size);
  const std::lock_guard lock(newest_mutex_);
  if (generation != newest_) return free_kept({}, memory);
  const CacheKey cache_key(family, key);
  // Without a handle asked for, an insertion does not fail: what has no place is freed.
  (void)rows_->Insert(cache_key.slice(), memory, sizeof(Kept) + size + kOverhead, &free_kept);
}

void RowCache::forget(const SortedChanges& changed, uint64_t generation) {
  {
    const std::lock_guard lock(newest_mutex_);
    newest_ = generation;
  }
  if (rows_->GetUsage() == 0) return;
  for (const auto& family : changed.families) {
    for (const RowBatch::Entry* entry : family) {
      const std::string_view key = entry->key_view();
      if (key.size() <= kLongestKey) rows_->Erase(CacheKey(entry->family, key).slice());
    }
  }
}

}  // namespace tenure
