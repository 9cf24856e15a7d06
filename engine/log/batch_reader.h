// Reads the batches of one segment file, one after the other, in large pieces. One thread.
//
// A batch's own checksum is verified here, once, over all its bytes. That covers the records too,
// so their checksums are left alone; they would only tell more about what happened in the writer's
// memory before the batch was made, which `doctor --deep` checks (segment_check.h).
#pragma once

#include <memory>
#include <vector>

#include "engine/log/segment_format.h"

namespace tenure {

struct FoundBatch {
  uint64_t position = 0;  // in the file
  BatchHeader header;
  Bytes records;  // until the reader's next call

  uint64_t end() const { return position + sizeof(BatchHeader) + header.length; }
};

class BatchReader {
 public:
  BatchReader(std::unique_ptr<File> file, uint32_t salt, uint64_t position = sizeof(SegmentHeader))
      : file_(std::move(file)), salt_(salt), position_(position) {}

  enum class Found : uint8_t {
    kBatch,    // in batch(); the reader has moved behind it
    kNothing,  // zeros where a header would be, or the limit
    kBad,      // anything else
  };
  // Looks at position(); no byte at or beyond `limit` is read. kIo.
  Result<Found> next(uint64_t limit);

  const FoundBatch& batch() const { return batch_; }
  uint64_t position() const { return position_; }
  const File& file() const { return *file_; }

 private:
  // `size` bytes from position_ on, or fewer if the file ends before.
  Result<Bytes> bytes_here(uint64_t size, uint64_t limit);

  std::unique_ptr<File> file_;
  uint32_t salt_;
  uint64_t position_;
  FoundBatch batch_;
  uint64_t piece_ = 0;  // how much is read at a time
  AlignedBytes buffer_;
  uint64_t buffer_begin_ = 0;  // in the file; a multiple of 8
  uint64_t buffer_end_ = 0;
};

// Where the log stands after this batch, if it stood at `before`. kCorrupt if the batch does not
// follow, or holds a record that cannot be read; kUnsupported for one that is too new.
Result<LogMark> mark_after(const LogMark& before, const FoundBatch& batch, RecordCrc crc);

// Adds the batch to its segment's index, if it is the first one at or after another kIndexStride.
void add_to_index(std::vector<IndexEntry>& index, const FoundBatch& batch);

// The chain's next link.
uint64_t link(uint64_t chain, const BatchHeader& header);

}  // namespace tenure
