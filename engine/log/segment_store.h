// The segment files of one directory, as their one writer has them open: locked, recovered,
// repaired, written, rolled and read. What the log in files (segment_log.h) and the mirror of a
// Kafka partition (kafka_mirror.h) have in common; SegmentUse is where they differ.
//
// One thread writes; preparer() has its own rules; reader() is for any thread.
#pragma once

#include <atomic>
#include <functional>

#include "engine/log/segment_preparer.h"
#include "engine/log/segment_reader.h"

namespace tenure {

struct SegmentStoreOptions {
  std::string directory;  // made if missing
  uint32_t partitions = 1;
  uint64_t segment_bytes = 64u << 20;  // of new segments; a multiple of 4096
  uint64_t reserve_bytes = 64u << 20;  // new work is refused below 2 segments + this much free
  std::string holder;                  // what a second opener is told
  FileSystem* files = &posix_file_system();
  std::function<LogId()> new_log_id = random_log_id;
  SegmentUse use = SegmentUse::kLog;
};

// What opening found and repaired.
struct RecoveryReport {
  bool created = false;
  uint64_t segments = 0;
  uint64_t cut_bytes = 0;  // a torn last batch, never acknowledged, that was cut
  std::string cut_place;   // where, if so
};

class SegmentStore {
 public:
  // kConflict: in use, names by whom. kCorrupt: damage, with segment and byte; nothing was changed.
  // kInvalid: not a log's directory, or options that do not fit. kUnsupported, kIo, kUnavailable.
  static Result<std::unique_ptr<SegmentStore>> open(SegmentStoreOptions options);

  // Can a batch with so many bytes of records be written now?
  // In the segment being written.
  bool fits(size_t record_bytes) const { return writer_.fits(record_bytes); }
  bool has_room(size_t record_bytes) const {
    return writer_.fits(record_bytes) || preparer_.ready();
  }
  // Writes one batch, into the next segment if it does not fit this one; readers see it from then
  // on. `after` is where the log stands then. Not without room. After an error the store must not
  // be written any more.
  Result<void> write(Bytes records, uint32_t count, const LogMark& after);
  const LogMark& end() const { return writer_.end(); }

  SegmentPreparer& preparer() { return preparer_; }
  const SegmentPreparer& preparer() const { return preparer_; }
  uint64_t used() const { return used_; }  // bytes of the active segment; any thread

  const SegmentReader& reader() const { return reader_; }
  const LogIdentity& identity() const { return identity_; }
  const RecoveryReport& recovery() const { return recovery_; }

  // Marks the stop as clean, at this end.
  Result<void> mark_clean();
  void unlock() { lock_.reset(); }

 private:
  SegmentStore(SegmentStoreOptions options, std::unique_ptr<FileLock> lock, RecoveredLog log,
               OpenSegment next, RecoveryReport report);
  static Result<void> create(const SegmentStoreOptions& options);
  Result<void> roll();

  const SegmentStoreOptions options_;
  std::unique_ptr<FileLock> lock_;
  const LogIdentity identity_;
  const RecoveryReport recovery_;
  const std::shared_ptr<SegmentCatalog> catalog_;
  const SegmentReader reader_;
  SegmentPreparer preparer_;
  SegmentWriter writer_;
  std::atomic<uint64_t> used_;
};

}  // namespace tenure
