#include "engine/log/segment_writer.h"

#include "engine/base/check.h"
#include "engine/log/batch_reader.h"
#include "engine/log/fail_point.h"

namespace tenure {
namespace {

// All bytes of a segment are there from its making, so a full disk inside one is a broken one.
Result<void> as_io(Result<void> result) {
  if (!result && result.error().kind == ErrorKind::kUnavailable) {
    result.error().kind = ErrorKind::kIo;
  }
  return result;
}

}  // namespace

SegmentWriter::SegmentWriter(OpenSegment segment, uint32_t salt, SegmentUse use)
    : segment_(std::move(segment)), salt_(salt), use_(use) {}

bool SegmentWriter::fits(size_t record_bytes) const {
  return segment_.end_position + sizeof(BatchHeader) + record_bytes <= batches_limit(segment_.size);
}

Result<std::optional<IndexEntry>> SegmentWriter::append(Bytes records, uint32_t count,
                                                        const LogMark& after) {
  CHECK(fits(records.size()) && records.size() % 8 == 0);
  BatchHeader header;
  header.count = count;
  header.length = static_cast<uint32_t>(records.size());
  header.body_crc = crc32c(salt_, records);
  header.first_offset = segment_.end.next_offset;
  header.first_number = segment_.end.next_number;
  seal(header, salt_);

  const uint64_t position = segment_.end_position;
  fail_point("segment.before_write");
  TRY(as_io(segment_.file->write_at(position, {bytes_of(header), records})));
  fail_point("segment.after_write");
  if (use_ == SegmentUse::kLog) TRY(as_io(segment_.file->sync()));
  fail_point("segment.after_sync");

  const uint64_t chain = link(segment_.end.chain, header);
  segment_.end = after;
  segment_.end.chain = chain;
  segment_.end_position += sizeof(BatchHeader) + records.size();
  const size_t indexed = segment_.index.size();
  add_to_index(segment_.index, {position, header, records});
  if (segment_.index.size() == indexed) return std::nullopt;
  return segment_.index.back();
}

Result<void> SegmentWriter::seal_segment() {
  const Bytes index = std::as_bytes(std::span(segment_.index));
  SegmentFooter footer;
  footer.index_count = static_cast<uint32_t>(segment_.index.size());
  footer.sequence = segment_.sequence;
  footer.begin = segment_.begin;
  footer.end = segment_.end;
  footer.end_position = segment_.end_position;
  footer.index_crc = crc32c(salt_, index);
  seal(footer, salt_);
  fail_point("segment.before_footer");
  const uint64_t position = segment_.size - sizeof(footer) - index.size();
  TRY(as_io(segment_.file->write_at(position, {index, bytes_of(footer)})));
  TRY(as_io(segment_.file->sync()));
  fail_point("segment.after_footer");
  return {};
}

uint64_t largest_batch(uint64_t segment_size) {
  return batches_limit(segment_size) - sizeof(SegmentHeader) - sizeof(BatchHeader);
}

}  // namespace tenure
