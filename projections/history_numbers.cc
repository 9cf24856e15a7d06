#include "projections/history_numbers.h"

namespace tenure {

HistoryNumbers::HistoryNumbers(const RowView& view, std::string_view org, std::string_view entity,
                               uint64_t first)
    : first_(first) {
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
    while (at_ + 1 < chunk.size()) {
      uint64_t number = block_ * kHistoryBlock + (chunk[at_] | chunk[at_ + 1] << 8);
      at_ += 2;
      if (number >= first_) return number;
    }
    chunks_->next();
    open_chunk();
  }
  TRY(chunks_->status());
  return std::nullopt;
}

}  // namespace tenure
