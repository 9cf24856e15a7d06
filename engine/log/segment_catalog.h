// What readers have to know of the segments of an open log: which offsets and numbers lie where,
// and how far they are durable. Written by the log's writer, read from any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/log/segment_format.h"

namespace tenure {

// Segment n of the log is at place n of the list; the last one is the active one.
struct SegmentExtent {
  uint64_t first_offset = 0;
  uint64_t first_number = 0;
  uint64_t end_position = 0;  // durable batches end here
};

// Looking for an offset or for a number is the same, over another member.
struct SoughtOffset {
  uint64_t value;
  uint64_t of(const auto& entry) const { return entry.first_offset; }
};
struct SoughtNumber {
  uint64_t value;
  uint64_t of(const auto& entry) const { return entry.first_number; }
};

// The last entry that does not begin behind what is sought; entries are in order.
template <class Entries, class Sought>
auto last_not_behind(const Entries& entries, Sought sought) {
  return std::prev(std::ranges::upper_bound(std::next(entries.begin()), entries.end(), sought.value,
                                            {},
                                            [&](const auto& entry) { return sought.of(entry); }));
}

class SegmentCatalog {
 public:
  SegmentCatalog(std::vector<SegmentExtent> segments, std::vector<IndexEntry> active_index,
                 const LogMark& active_begin, const LogMark& end)
      : segments_(std::move(segments)),
        active_index_(std::move(active_index)),
        active_begin_(active_begin),
        end_(end),
        durable_end_(end.next_offset) {}

  // The active segment is durable up to here; `indexed` if the batch got an index entry.
  void publish(const LogMark& end, uint64_t end_position, std::optional<IndexEntry> indexed);
  // The active segment is sealed, the next one begins at the durable end.
  void roll();

  Offset durable_end() const { return {durable_end_.load(std::memory_order_acquire)}; }
  LogMark end() const;

  struct Limit {
    uint64_t end_position;
    bool sealed;
  };
  Limit limit(uint64_t sequence) const;

  // The segment that holds what is sought, and for the active one the entry to begin with.
  struct Place {
    uint64_t sequence;
    bool sealed;
    IndexEntry entry;
    LogMark begin, end;  // of the segment, if it is not sealed; else its footer says
  };
  template <class Sought>
  Place locate(Sought sought) const {
    const std::scoped_lock lock(mutex_);
    const auto segment = last_not_behind(segments_, sought);
    Place place{static_cast<uint64_t>(segment - segments_.begin()), true, {}, active_begin_, end_};
    place.sealed = place.sequence + 1 < segments_.size();
    place.entry = {segment->first_offset, segment->first_number, sizeof(SegmentHeader)};
    if (!place.sealed && !active_index_.empty()) {
      place.entry = *last_not_behind(active_index_, sought);
    }
    return place;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<SegmentExtent> segments_;
  std::vector<IndexEntry> active_index_;
  LogMark active_begin_, end_;
  std::atomic<uint64_t> durable_end_;
};

}  // namespace tenure
