#include "engine/log/segment_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/log/batch_reader.h"
#include "engine/log/fail_point.h"
#include "engine/log/log_directory.h"

namespace tenure {
namespace {

constexpr uint64_t kPiece = 256u << 10;

template <class T>
Result<std::optional<T>> read_block(const File& file, uint64_t position, uint32_t salt) {
  std::array<std::byte, sizeof(T)> bytes;
  const size_t size = TRY(file.read_at(position, bytes));
  return unseal<T>(Bytes(bytes).first(size), salt);
}

// Recovery of one directory, step by step.
class Recovery {
 public:
  Recovery(FileSystem& files, const std::string& directory, const LogIdentity& identity,
           SegmentUse use)
      : files_(files), directory_(directory), salt_(salt_of(identity.log_id)), use_(use) {
    log_.identity = identity;
  }

  Result<RecoveredLog> run() {
    const uint64_t count = TRY(count_segments(files_, directory_));
    if (count == 0) return damaged(0, 0, "it is missing");
    const uint64_t active = TRY(walk_sealed(count));
    TRY(scan_active(active));
    if (active + 1 < count) TRY(check_next(active + 1, count));
    TRY(check_clean_mark());
    return std::move(log_);
  }

 private:
  std::unexpected<Error> damaged(uint64_t sequence, uint64_t position, const std::string& what) {
    return damage(directory_, sequence, position, what);
  }

  // Every sealed segment goes on where the one before ended. Which one is the active one: the first
  // that is not sealed.
  Result<uint64_t> walk_sealed(uint64_t count) {
    LogMark& end = log_.active.end;
    for (uint64_t sequence = 0; sequence < count; ++sequence) {
      const SegmentEnds ends = TRY(read_segment_ends(files_, directory_, log_.identity, sequence));
      log_.bytes += ends.header.size;
      log_.segments.push_back({end.next_offset, end.next_number, sizeof(SegmentHeader)});
      if (!ends.footer) {
        log_.active.sequence = sequence;
        log_.active.size = ends.header.size;
        log_.active.begin = end;
        return sequence;
      }
      if (ends.footer->begin != end) {
        return damaged(sequence, 0, "it does not follow the segment before it");
      }
      end = ends.footer->end;
      log_.segments.back().end_position = ends.footer->end_position;
    }
    return damaged(count, 0, "it is missing, though the segment before it is full");
  }

  Result<void> scan_active(uint64_t sequence) {
    OpenSegment& active = log_.active;
    BatchReader reader(
        TRY(files_.open(path_in(directory_, segment_name(sequence)), OpenMode::kRead)), salt_);
    log_.proven_end = active.end;
    log_.proven_position = reader.position();
    while (TRY(find_batch(reader))) {
      const FoundBatch& batch = reader.batch();
      const auto after = mark_after(active.end, batch, RecordCrc::kSkip);
      if (!after) return damage_by(after.error(), directory_, sequence, batch.position);
      log_.proven_end = active.end;
      log_.proven_position = batch.position;
      active.end = *after;
      add_to_index(active.index, batch);
    }
    active.end_position = reader.position();
    log_.segments.back().end_position = active.end_position;
    log_.torn_end = TRY(end_of_content(reader.file(), active.end_position, active.size));
    if (log_.torn_end == active.end_position || use_ == SegmentUse::kCopy) return {};
    return check_nothing_behind(reader.file());
  }

  Result<bool> find_batch(BatchReader& reader) {
    return TRY(reader.next(batches_limit(log_.active.size))) == BatchReader::Found::kBatch;
  }

  // A header in what would be cut proves that the batch before it was durable once.
  Result<void> check_nothing_behind(const File& file) {
    const uint64_t from = log_.active.end_position + 8;
    std::vector<std::byte> bytes(log_.torn_end + sizeof(BatchHeader) - from);
    bytes.resize(TRY(file.read_at(from, bytes)));
    for (uint64_t at = 0; at + sizeof(BatchHeader) <= bytes.size(); at += 8) {
      const auto header = unseal<BatchHeader>(Bytes(bytes).subspan(at), salt_);
      if (!header || header->first_offset <= log_.active.end.next_offset) continue;
      return damaged(log_.active.sequence, log_.active.end_position,
                     fmt::format("no valid batch at offset {}, but one at byte {} (offset {})",
                                 log_.active.end.next_offset, from + at, header->first_offset));
    }
    return {};
  }

  // Behind the active segment there is at most one, without a batch.
  Result<void> check_next(uint64_t sequence, uint64_t count) {
    const SegmentEnds ends = TRY(read_segment_ends(files_, directory_, log_.identity, sequence));
    auto file = TRY(files_.open(path_in(directory_, segment_name(sequence)), OpenMode::kRead));
    constexpr uint64_t kBegin = sizeof(SegmentHeader);
    const uint64_t first_end = kBegin + sizeof(BatchHeader);
    if (count > sequence + 1 || ends.footer ||
        TRY(end_of_content(*file, kBegin, first_end)) != kBegin) {
      return damaged(log_.active.sequence, log_.active.size - sizeof(SegmentFooter),
                     fmt::format("no valid footer, though {} is in use", segment_name(sequence)));
    }
    log_.next_is_ready = true;
    log_.next_size = ends.header.size;
    log_.bytes += ends.header.size;
    return {};
  }

  Result<void> check_clean_mark() {
    const auto mark = TRY(read_clean_mark(files_, directory_, salt_));
    const LogMark& end = log_.active.end;
    if (!mark) return {};
    if (mark->end.next_offset > end.next_offset) {
      return damaged(
          log_.active.sequence, log_.active.end_position,
          fmt::format("the log ends with offset {}, but it was once stopped cleanly at {}",
                      end.next_offset, mark->end.next_offset));
    }
    log_.stopped_cleanly = mark->end == end;
    if (mark->end.next_offset == end.next_offset) {
      if (!log_.stopped_cleanly) {
        return damaged(log_.active.sequence, log_.active.end_position,
                       "it is not the log that was stopped cleanly at this offset");
      }
      log_.proven_end = end;
      log_.proven_position = log_.active.end_position;
    }
    return {};
  }

  FileSystem& files_;
  const std::string& directory_;
  uint32_t salt_;
  SegmentUse use_;
  RecoveredLog log_;
};

// Writes the same bytes again, to be synced: the process that wrote them may have ended before its
// sync, or because of a failed one, after which only the page cache has them.
Result<void> write_again(File& file, uint64_t from, uint64_t to) {
  std::vector<std::byte> bytes(to - from);
  bytes.resize(TRY(file.read_at(from, bytes)));
  return file.write_at(from, {bytes});
}

Result<void> write_zeros(File& file, uint64_t from, uint64_t to) {
  const std::vector<std::byte> zeros(std::min(kPiece, to - from));
  for (; from < to; from += zeros.size()) {
    TRY(file.write_at(from, {Bytes(zeros).first(std::min<uint64_t>(zeros.size(), to - from))}));
  }
  return {};
}

// The footer of the segment before an empty active one.
Result<void> write_footer_again(FileSystem& files, const std::string& directory,
                                const LogIdentity& identity, uint64_t sequence) {
  const SegmentEnds ends = TRY(read_segment_ends(files, directory, identity, sequence));
  auto file = TRY(files.open(path_in(directory, segment_name(sequence)), OpenMode::kReadWrite));
  TRY(write_again(*file, batches_limit(ends.header.size), ends.header.size));
  return file->sync();
}

}  // namespace

Result<std::optional<RecoveredLog>> recover(FileSystem& files, const std::string& directory,
                                            SegmentUse use) {
  const auto identity = TRY(read_identity(files, directory));
  if (!identity) return std::nullopt;
  return TRY(Recovery(files, directory, *identity, use).run());
}

Result<RecoveredLog> recover_beside_writer(FileSystem& files, const std::string& directory) {
  auto log = recover(files, directory);
  for (int look = 1; look < 3 && !log && log.error().kind == ErrorKind::kCorrupt; ++look) {
    log = recover(files, directory);
  }
  auto found = TRY(std::move(log));
  if (!found) return fail(ErrorKind::kNotFound, "no tenure log in " + directory);
  return *std::move(found);
}

Result<void> repair(FileSystem& files, const std::string& directory, RecoveredLog& log) {
  TRY(remove_unfinished(files, directory));
  OpenSegment& active = log.active;
  const std::string path = path_in(directory, segment_name(active.sequence));
  active.file = TRY(files.open(path, OpenMode::kReadWrite));
  TRY(write_zeros(*active.file, active.end_position, log.torn_end));
  if (log.torn_bytes() > 0) fail_point("recover.after_cut");
  TRY(write_again(*active.file, log.proven_position, active.end_position));
  TRY(active.file->sync());
  if (active.end_position == sizeof(SegmentHeader) && active.sequence > 0) {
    TRY(write_footer_again(files, directory, log.identity, active.sequence - 1));
  }
  return files.sync_directory(directory);
}

Result<SegmentEnds> read_segment_ends(FileSystem& files, const std::string& directory,
                                      const LogIdentity& identity, uint64_t sequence) {
  const auto wrong = [&](uint64_t position, const std::string& what) {
    return damage(directory, sequence, position, what);
  };
  const uint32_t salt = salt_of(identity.log_id);
  auto file = TRY(files.open(path_in(directory, segment_name(sequence)), OpenMode::kRead));
  const auto header = TRY(read_block<SegmentHeader>(*file, 0, salt));
  if (!header || header->log_id != identity.log_id) return wrong(0, "no header of this log");
  if (header->format != SegmentHeader{}.format) {
    return fail(ErrorKind::kUnsupported,
                fmt::format("{} has format {}, this tenure reads {}; upgrade it",
                            path_in(directory, segment_name(sequence)), header->format,
                            SegmentHeader{}.format));
  }
  if (header->sequence != sequence) {
    return wrong(0, fmt::format("it is really {}", segment_name(header->sequence)));
  }
  const uint64_t size = TRY(file->size());
  if (header->size != size) {
    return wrong(size, fmt::format("it has {} bytes instead of {}", size, header->size));
  }
  SegmentEnds ends{*header, std::nullopt};
  ends.footer = TRY(read_block<SegmentFooter>(*file, size - sizeof(SegmentFooter), salt));
  if (ends.footer && ends.footer->sequence != sequence) {
    return wrong(size - sizeof(SegmentFooter), "the footer is another segment's");
  }
  return ends;
}

Result<std::vector<IndexEntry>> read_index(const File& file, const std::string& directory,
                                           const LogIdentity& identity, const SegmentEnds& ends) {
  const SegmentFooter& footer = *ends.footer;
  std::vector<IndexEntry> index(footer.index_count);
  const uint64_t size = index.size() * sizeof(IndexEntry);
  const uint64_t position = ends.header.size - sizeof(SegmentFooter) - size;
  const size_t read = TRY(file.read_at(position, std::as_writable_bytes(std::span(index))));
  if (read != size ||
      crc32c(salt_of(identity.log_id), std::as_bytes(std::span(index))) != footer.index_crc) {
    return damage(directory, footer.sequence, position, "the index does not match its checksum");
  }
  return index;
}

Result<uint64_t> count_segments(FileSystem& files, const std::string& directory) {
  uint64_t count = 0;
  for (const std::string& name : TRY(files.list(directory))) {
    const auto sequence = segment_sequence(name);
    if (!sequence) continue;
    if (*sequence != count) return damage(directory, count, 0, "it is missing");
    ++count;
  }
  return count;
}

Result<uint64_t> end_of_content(const File& file, uint64_t from, uint64_t to) {
  std::vector<std::byte> piece(std::min(kPiece, to - from));
  uint64_t end = from;
  for (uint64_t at = from; at < to;) {
    const auto space = std::span(piece).first(std::min<uint64_t>(piece.size(), to - at));
    const size_t size = TRY(file.read_at(at, space));
    if (size == 0) break;
    size_t content = all_zero(Bytes(piece).first(size)) ? 0 : size;
    while (content > 0 && piece[content - 1] == std::byte{0}) --content;
    if (content > 0) end = at + content;
    at += size;
  }
  return end;
}

}  // namespace tenure
