#include "engine/log/batch_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/log/record_walk.h"

namespace tenure {
namespace {

// Small at first, for whoever looks for one record; large soon, for whoever reads on.
constexpr uint64_t kFirstPiece = 64u << 10;
constexpr uint64_t kLargestPiece = 512u << 10;

}  // namespace

Result<Bytes> BatchReader::bytes_here(uint64_t size, uint64_t limit) {
  if (position_ < buffer_begin_ || position_ + size > buffer_end_) {
    piece_ = std::clamp(2 * piece_, kFirstPiece, kLargestPiece);
    const uint64_t wanted = std::min(std::max(size, piece_), limit - position_);
    buffer_begin_ = buffer_end_ = position_;
    buffer_.clear();
    buffer_end_ += TRY(file_->read_at(position_, {buffer_.grow(wanted), wanted}));
  }
  return buffer_.view().subspan(position_ - buffer_begin_, std::min(size, buffer_end_ - position_));
}

Result<BatchReader::Found> BatchReader::next(uint64_t limit) {
  constexpr uint64_t kHeader = sizeof(BatchHeader);
  if (position_ + kHeader > limit) return Found::kNothing;
  const Bytes start = TRY(bytes_here(kHeader, limit));
  const auto header = unseal<BatchHeader>(start, salt_);
  if (!header) return all_zero(start) ? Found::kNothing : Found::kBad;
  const uint64_t size = kHeader + header->length;
  if (header->length % 8 != 0 || size > limit - position_) return Found::kBad;
  const Bytes whole = TRY(bytes_here(size, limit));
  if (whole.size() < size) return Found::kBad;
  const Bytes records = whole.subspan(kHeader);
  if (crc32c(salt_, records) != header->body_crc) return Found::kBad;
  batch_ = {position_, *header, records};
  position_ += size;
  return Found::kBatch;
}

void add_to_index(std::vector<IndexEntry>& index, const FoundBatch& batch) {
  if (!index.empty() && index.back().position / kIndexStride == batch.position / kIndexStride) {
    return;
  }
  index.push_back({batch.header.first_offset, batch.header.first_number, batch.position});
}

// Without the header's own crc: a CRC over bytes that end in theirs is the same for all bytes.
uint64_t link(uint64_t chain, const BatchHeader& header) {
  return crc32c(static_cast<uint32_t>(chain), bytes_of(header).first(offsetof(BatchHeader, crc)));
}

Result<LogMark> mark_after(const LogMark& before, const FoundBatch& batch, RecordCrc crc) {
  const BatchHeader& header = batch.header;
  if (header.first_offset != before.next_offset || header.first_number != before.next_number) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("its batch begins with offset {} and number {}, the log goes on with "
                            "{} and {}",
                            header.first_offset, header.first_number, before.next_offset,
                            before.next_number));
  }
  LogMark after = before;
  ReaderRule rule(before.reader());
  RecordWalk walk(batch.records, {header.first_offset}, crc);
  while (!walk.done()) {
    if (TRY(rule.judge(walk.next())) == Validity::kClaim) ++after.claims;
  }
  after.next_offset = rule.position().next_offset.value;
  after.next_number = rule.position().next_number.value;
  after.stamp = rule.position().stamp.value;
  after.chain = link(before.chain, header);
  if (after.next_offset - before.next_offset != header.count) {
    return fail(ErrorKind::kCorrupt, "its batch holds another count of records than it says");
  }
  return after;
}

}  // namespace tenure
