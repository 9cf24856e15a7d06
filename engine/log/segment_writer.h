// Writes batches into one segment file: a batch is one write and one sync (SegmentUse). One thread.
// After an error the file's state is unknown and the writer must not be used again.
#pragma once

#include <memory>
#include <vector>

#include "engine/log/segment_format.h"

namespace tenure {

// What the files are. Version with care: nothing of it is in the bytes.
enum class SegmentUse : uint8_t {
  kLog,   // the only place of these records: every batch is synced before the next is written
  kCopy,  // the records can be had again: only full segments are synced, files are sparse, and of a
          // tail only what is whole up to the first gap is kept
};

// A segment to be written on, as it stands.
struct OpenSegment {
  std::unique_ptr<File> file;
  uint64_t sequence = 0;
  uint64_t size = 0;
  LogMark begin;
  LogMark end;
  uint64_t end_position = sizeof(SegmentHeader);
  std::vector<IndexEntry> index;
};

class SegmentWriter {
 public:
  SegmentWriter(OpenSegment segment, uint32_t salt, SegmentUse use);

  // Is there room for a batch with so many bytes of records?
  bool fits(size_t record_bytes) const;

  // Writes one batch, and syncs it in a log; `after` is where the log stands then (its chain is
  // filled in). The batch's index entry, if it got one.
  Result<std::optional<IndexEntry>> append(Bytes records, uint32_t count, const LogMark& after);

  // Writes the index and the footer, and syncs.
  Result<void> seal_segment();

  const LogMark& end() const { return segment_.end; }
  uint64_t end_position() const { return segment_.end_position; }
  uint64_t sequence() const { return segment_.sequence; }

 private:
  OpenSegment segment_;
  uint32_t salt_;
  SegmentUse use_;
};

// The largest batch that an empty segment of this size takes, in bytes of records.
uint64_t largest_batch(uint64_t segment_size);

}  // namespace tenure
