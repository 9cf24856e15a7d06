#include "engine/log/segment_reader.h"

#include <fmt/format.h>

#include "engine/log/batch_reader.h"
#include "engine/log/log_directory.h"
#include "engine/log/log_reader.h"
#include "engine/log/record_walk.h"

namespace tenure {
namespace {

// Walks the segments from a batch on, up to what the catalog says is durable.
class SegmentCursor final : public RecordCursor {
 public:
  SegmentCursor(FileSystem& files, std::string directory, uint32_t salt,
                std::shared_ptr<const SegmentCatalog> catalog, uint64_t sequence,
                BatchReader reader)
      : files_(files),
        directory_(std::move(directory)),
        salt_(salt),
        catalog_(std::move(catalog)),
        sequence_(sequence),
        reader_(std::move(reader)),
        limit_(catalog_->limit(sequence)) {}

  Result<std::optional<RawRecord>> next() override {
    while (walk_.done()) {
      if (!TRY(next_batch())) return std::nullopt;
    }
    return walk_.next();
  }

 private:
  Result<bool> next_batch() {
    if (reader_.position() == limit_.end_position) limit_ = catalog_->limit(sequence_);
    while (reader_.position() == limit_.end_position && limit_.sealed) {
      auto file =
          TRY(files_.open(path_in(directory_, segment_name(sequence_ + 1)), OpenMode::kRead));
      reader_ = BatchReader(std::move(file), salt_);
      limit_ = catalog_->limit(++sequence_);
    }
    if (reader_.position() == limit_.end_position) return false;
    if (TRY(reader_.next(limit_.end_position)) != BatchReader::Found::kBatch) {
      return damage(directory_, sequence_, reader_.position(),
                    "a batch does not match its checksum");
    }
    const FoundBatch& batch = reader_.batch();
    walk_ = RecordWalk(batch.records, {batch.header.first_offset}, RecordCrc::kSkip);
    return true;
  }

  FileSystem& files_;
  const std::string directory_;
  const uint32_t salt_;
  const std::shared_ptr<const SegmentCatalog> catalog_;
  uint64_t sequence_;
  BatchReader reader_;
  SegmentCatalog::Limit limit_;
  RecordWalk walk_;
};

}  // namespace

Result<SegmentReader> SegmentReader::open(FileSystem& files, const std::string& directory,
                                          LastBatch last) {
  RecoveredLog log = TRY(recover_beside_writer(files, directory));
  const bool whole = last == LastBatch::kIfWhole;
  log.segments.back().end_position = whole ? log.active.end_position : log.proven_position;
  auto catalog =
      std::make_shared<SegmentCatalog>(std::move(log.segments), std::move(log.active.index),
                                       log.active.begin, whole ? log.active.end : log.proven_end);
  return SegmentReader(files, directory, log.identity, std::move(catalog));
}

// The batch to begin with: in a sealed segment by its index, in the active one by the catalog's.
template <class Sought>
Result<SegmentCatalog::Place> SegmentReader::locate(Sought sought) const {
  SegmentCatalog::Place place = catalog_->locate(sought);
  if (!place.sealed) return place;
  const SegmentEnds ends = TRY(read_segment_ends(*files_, directory_, identity_, place.sequence));
  if (!ends.footer) return damage(directory_, place.sequence, ends.header.size, "no footer");
  auto file = TRY(files_->open(path_in(directory_, segment_name(place.sequence)), OpenMode::kRead));
  const auto index = TRY(read_index(*file, directory_, identity_, ends));
  if (!index.empty()) place.entry = *last_not_behind(index, sought);
  place.begin = ends.footer->begin;
  place.end = ends.footer->end;
  return place;
}

Result<std::unique_ptr<RecordCursor>> SegmentReader::read_from(
    const SegmentCatalog::Place& place) const {
  const uint32_t salt = salt_of(identity_.log_id);
  auto file = TRY(files_->open(path_in(directory_, segment_name(place.sequence)), OpenMode::kRead));
  return std::make_unique<SegmentCursor>(*files_, directory_, salt, catalog_, place.sequence,
                                         BatchReader(std::move(file), salt, place.entry.position));
}

Result<std::unique_ptr<RecordCursor>> SegmentReader::read(Offset from) const {
  if (from > durable_end()) {
    return fail(ErrorKind::kNotFound,
                fmt::format("no offset {}: the log ends at {}", from.value, durable_end().value));
  }
  const auto place = TRY(locate(SoughtOffset{from.value}));
  auto cursor = TRY(read_from(place));
  for (uint64_t skip = place.entry.first_offset; skip < from.value; ++skip)
    (void)TRY(cursor->next());
  return cursor;
}

Result<Offset> SegmentReader::find(Number number) const {
  const LogMark end = catalog_->end();
  if (number.value >= end.next_number) {
    return fail(ErrorKind::kNotFound,
                fmt::format("no decision {}: the log holds {}", number.value, end.next_number));
  }
  auto place = TRY(locate(SoughtNumber{number.value}));
  // Where no record of the segment is void, the first one of the number is the decision. Else only
  // the rule can tell them apart, from a place where the stamp is known.
  const bool voids = place.begin.void_records() != place.end.void_records();
  if (voids) {
    place.entry = {place.begin.next_offset, place.begin.next_number, sizeof(SegmentHeader)};
  }
  ReaderRule rule(place.begin.reader());
  auto cursor = TRY(read_from(place));
  while (auto record = TRY(cursor->next())) {
    const bool counts =
        voids ? TRY(rule.judge(*record)) == Validity::kValid
              : record->status == RecordStatus::kOk && record->prefix.kind == RecordKind::kDecision;
    if (counts && record->prefix.number == number) return record->offset;
  }
  return damage(directory_, place.sequence, place.entry.position,
                fmt::format("decision {} is not where it should be", number.value));
}

}  // namespace tenure
