// The reading half of a segment log: from any thread, beside a writer, and without one.
#pragma once

#include <memory>

#include "engine/log/decision_log.h"
#include "engine/log/segment_catalog.h"
#include "engine/log/segment_recovery.h"

namespace tenure {

class SegmentReader {
 public:
  // Of a log that this process writes: up to what the catalog says is durable.
  SegmentReader(FileSystem& files, std::string directory, LogIdentity identity,
                std::shared_ptr<const SegmentCatalog> catalog)
      : files_(&files),
        directory_(std::move(directory)),
        identity_(identity),
        catalog_(std::move(catalog)) {}

  // Of a last batch that nothing proves durable. Whole, for whoever has a proof of their own for
  // it.
  enum class LastBatch : bool { kIfProven, kIfWhole };
  // Without a lock, whoever else may be writing there: the log as it is now, without its last batch
  // if nothing proves that one durable. kNotFound: no log; else as recover().
  static Result<SegmentReader> open(FileSystem& files, const std::string& directory,
                                    LastBatch last = LastBatch::kIfProven);

  // kNotFound beyond the end. The cursor may outlive the reader, not the file system.
  Result<std::unique_ptr<RecordCursor>> read(Offset from) const;
  Result<Offset> find(Number number) const;
  Offset durable_end() const { return catalog_->durable_end(); }
  const LogId& log_id() const { return identity_.log_id; }

 private:
  template <class Sought>
  Result<SegmentCatalog::Place> locate(Sought sought) const;
  Result<std::unique_ptr<RecordCursor>> read_from(const SegmentCatalog::Place& place) const;

  FileSystem* files_;
  std::string directory_;
  LogIdentity identity_;
  std::shared_ptr<const SegmentCatalog> catalog_;
};

}  // namespace tenure
