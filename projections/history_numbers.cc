#include "projections/history_numbers.h"

#include <xxhash.h>

#include <cstring>

namespace tenure {

uint32_t command_hash(std::string_view id) {
  return static_cast<uint32_t>(XXH3_64bits(id.data(), id.size()));
}

HistoryNumbers::HistoryNumbers(const RowView& view, std::string_view org, std::string_view entity,
                               uint64_t first)
    : first_(first), entry_size_(history_entry_size(entity)) {
  Keys keys(org);
  prefix_ = keys.history_of(entity);
  chunks_ = view.scan(Family::kHistory, prefix_);
  chunks_->seek(keys.history(entity, first / kHistoryBlock));
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
    RowBytes chunk = chunks_->bytes();
    for (; at_ + entry_size_ <= chunk.size(); at_ += entry_size_) {
      uint16_t low;
      std::memcpy(&low, chunk.data() + at_, sizeof(low));
      const uint64_t number = block_ * kHistoryBlock + low;
      if (number < first_) continue;
      if (entry_size_ > sizeof(low)) {
        std::memcpy(&command_, chunk.data() + at_ + sizeof(low), sizeof(command_));
      }
      at_ += entry_size_;
      return number;
    }
    chunks_->next();
    open_chunk();
  }
  TRY(chunks_->status());
  return std::nullopt;
}

}  // namespace tenure
