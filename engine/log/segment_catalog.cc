#include "engine/log/segment_catalog.h"

namespace tenure {

void SegmentCatalog::publish(const LogMark& end, uint64_t end_position,
                             std::optional<IndexEntry> indexed) {
  const std::scoped_lock lock(mutex_);
  segments_.back().end_position = end_position;
  if (indexed) active_index_.push_back(*indexed);
  end_ = end;
  durable_end_.store(end.next_offset, std::memory_order_release);
}

void SegmentCatalog::roll() {
  const std::scoped_lock lock(mutex_);
  segments_.push_back({end_.next_offset, end_.next_number, sizeof(SegmentHeader)});
  active_index_.clear();
  active_begin_ = end_;
}

LogMark SegmentCatalog::end() const {
  const std::scoped_lock lock(mutex_);
  return end_;
}

SegmentCatalog::Limit SegmentCatalog::limit(uint64_t sequence) const {
  const std::scoped_lock lock(mutex_);
  return {segments_[sequence].end_position, sequence + 1 < segments_.size()};
}

}  // namespace tenure
