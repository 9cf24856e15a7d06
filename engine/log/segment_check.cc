#include "engine/log/segment_check.h"

#include <fmt/format.h>

#include <cstring>

#include "engine/log/batch_reader.h"
#include "engine/log/log_directory.h"
#include "engine/log/segment_recovery.h"

namespace tenure {
namespace {

LogDescription describe(const RecoveredLog& log) {
  LogDescription out;
  const LogMark& end = log.active.end;
  out.log_id = to_text(log.identity.log_id);
  out.partitions = log.identity.partitions;
  out.segments = log.segments.size() + (log.next_is_ready ? 1 : 0);
  out.bytes = log.bytes;
  out.records = end.next_offset;
  out.decisions = end.next_number;
  out.claims = end.claims;
  out.void_records = end.void_records();
  out.torn_bytes = log.torn_bytes();
  out.stopped_cleanly = log.stopped_cleanly;
  return out;
}

// Reads segment after segment whole. `mark` is where the log stands before the next one.
class DeepCheck {
 public:
  DeepCheck(FileSystem& files, const std::string& directory, const RecoveredLog& log)
      : files_(files), directory_(directory), log_(log), salt_(salt_of(log.identity.log_id)) {}

  // The active segment's tail was looked through by recovery; the one made ahead is all zeros.
  Result<void> check(uint64_t sequence) {
    const SegmentEnds ends = TRY(read_segment_ends(files_, directory_, log_.identity, sequence));
    BatchReader reader(
        TRY(files_.open(path_in(directory_, segment_name(sequence)), OpenMode::kRead)), salt_);
    if (sequence > log_.active.sequence) {
      return check_zeros(reader.file(), sequence, reader.position(), ends.header.size);
    }
    std::vector<IndexEntry> index;
    const uint64_t end = log_.segments[sequence].end_position;
    while (reader.position() < end) TRY(check_batch(reader, sequence, end, index));
    if (sequence == log_.active.sequence) return {};
    return check_footer(ends, reader.file(), index);
  }

 private:
  Result<void> check_batch(BatchReader& reader, uint64_t sequence, uint64_t end,
                           std::vector<IndexEntry>& index) {
    if (TRY(reader.next(end)) != BatchReader::Found::kBatch) {
      return damage(directory_, sequence, reader.position(), "a batch does not match its checksum");
    }
    const FoundBatch& batch = reader.batch();
    const auto after = mark_after(mark_, batch, RecordCrc::kCheck);
    if (!after) return damage_by(after.error(), directory_, sequence, batch.position);
    mark_ = *after;
    add_to_index(index, batch);
    return {};
  }

  Result<void> check_footer(const SegmentEnds& ends, const File& file,
                            const std::vector<IndexEntry>& index) {
    const uint64_t position = ends.header.size - sizeof(SegmentFooter);
    if (!ends.footer) {
      return damage(directory_, ends.header.sequence, position, "the footer is gone");
    }
    const SegmentFooter& footer = *ends.footer;
    if (footer.end != mark_) {
      return damage(directory_, footer.sequence, position, "the footer does not fit the batches");
    }
    const auto stored = TRY(read_index(file, directory_, log_.identity, ends));
    const Bytes stored_bytes = std::as_bytes(std::span(stored));
    const Bytes index_bytes = std::as_bytes(std::span(index));
    if (!std::ranges::equal(stored_bytes, index_bytes)) {
      return damage(directory_, footer.sequence, position, "the index does not fit the batches");
    }
    return check_zeros(file, footer.sequence, footer.end_position, position - stored_bytes.size());
  }

  Result<void> check_zeros(const File& file, uint64_t sequence, uint64_t from, uint64_t to) {
    const uint64_t end = TRY(end_of_content(file, from, to));
    if (end == from) return {};
    return damage(directory_, sequence, end - 1, "there should be zeros only");
  }

  FileSystem& files_;
  const std::string& directory_;
  const RecoveredLog& log_;
  const uint32_t salt_;
  LogMark mark_;
};

}  // namespace

Result<LogDescription> describe_log(FileSystem& files, const std::string& directory) {
  return describe(TRY(recover_beside_writer(files, directory)));
}

Result<LogDescription> check_log_deeply(FileSystem& files, const std::string& directory,
                                        const CheckProgress& progress) {
  const RecoveredLog log = TRY(recover_beside_writer(files, directory));
  LogDescription description = describe(log);
  DeepCheck deep(files, directory, log);
  for (uint64_t sequence = 0; sequence < description.segments; ++sequence) {
    TRY(deep.check(sequence));
    if (progress) progress(sequence + 1, description.segments);
  }
  return description;
}

Result<void> check_sealed_segments(FileSystem& files, const std::string& directory,
                                   const SegmentChecked& checked) {
  const RecoveredLog log = TRY(recover_beside_writer(files, directory));
  DeepCheck deep(files, directory, log);
  for (uint64_t sequence = 0; sequence < log.active.sequence; ++sequence) {
    TRY(deep.check(sequence));
    if (!checked(log.segments[sequence].end_position)) break;
  }
  return {};
}

}  // namespace tenure
