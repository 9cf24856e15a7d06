#include "projections/queries/history_numbers.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "projections/projection.h"

namespace tenure {
namespace {

// A decision in a chunk, as its bytes lie there; the hashes of its entities follow.
struct EntryHead {
  uint16_t low, count;
  uint32_t command;
};
static_assert(sizeof(EntryHead) == 8 && std::endian::native == std::endian::little);

bool has_hash(RowBytes hashes, uint32_t wanted) {
  for (; !hashes.empty(); hashes = hashes.subspan(sizeof(wanted))) {
    if (std::memcmp(hashes.data(), &wanted, sizeof(wanted)) == 0) return true;
  }
  return false;
}

}  // namespace

uint32_t history_hash(std::string_view text) {
  return static_cast<uint32_t>(XXH3_64bits(text.data(), text.size()));
}

HistoryNumbers::HistoryNumbers(const RowView& view, std::string_view org, std::string_view entity,
                               uint64_t first)
    : first_(first) {
  if (!entity.empty()) about_ = history_hash(entity);
  Keys keys(org);
  prefix_ = Key(keys.organization());
  chunks_ = view.scan(Family::kHistory, prefix_);
  chunks_->seek(keys.history(first / kHistoryBlock));
  open_chunk();
}

void HistoryNumbers::open_chunk() {
  if (!chunks_->valid()) return;
  block_ = 0;
  for (char digit : after_prefix(chunks_->key(), prefix_)) {
    block_ = block_ << 8 | static_cast<uint8_t>(digit);
  }
  at_ = 0;
}

Result<std::optional<uint64_t>> HistoryNumbers::next() {
  while (chunks_->valid()) {
    const RowBytes chunk = chunks_->bytes();
    EntryHead head;
    while (at_ + sizeof(head) <= chunk.size()) {
      std::memcpy(&head, chunk.data() + at_, sizeof(head));
      const size_t hashes_at = at_ + sizeof(head), hashes_size = head.count * sizeof(uint32_t);
      at_ = hashes_at + hashes_size;
      if (at_ > chunk.size()) break;
      const uint64_t number = block_ * kHistoryBlock + head.low;
      if (number < first_) continue;
      if (about_ && !has_hash(chunk.subspan(hashes_at, hashes_size), *about_)) continue;
      command_ = head.command;
      return number;
    }
    chunks_->next();
    open_chunk();
  }
  TRY(chunks_->status());
  return std::nullopt;
}

bool is_about(const schema::Decision& decision, std::string_view entity) {
  if (entity.empty()) return true;
  Entities entities;
  entities.assign(decision);
  return std::ranges::find(entities, entity) != entities.end();
}

}  // namespace tenure
