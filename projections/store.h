// The read models on disk: RocksDB, one column family a model, the reader's position in the same
// write as the rows that it stands for.
//
// No write-ahead log: the decision log is the authority, and what a crash takes is read from it
// again. Families are flushed together and never alone, so rows and position cannot part. A store
// that does not open, is damaged or has another row format is not repaired: it is rebuilt into a
// new directory (read_models.h). Threads: write() and flush() from one thread at a time; views from
// any thread, next to it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/log/log_reader.h"
#include "projections/rows.h"
#include "projections/sorted_changes.h"

namespace tenure {

// Raise when a projection gives other rows for the same history, or a key or row changes.
inline constexpr uint32_t kRowFormat = 6;

// How far the rows are, and enough of the last decision's record to notice another log.
struct ProjectorPosition {
  ReaderPosition reader{};
  Offset last_offset{};   // of the record of decision reader.next_number - 1, if that is not 0
  uint32_t last_crc = 0;  // its checksum
  std::string log_id{};   // as the log's first claim names it; may be empty
};

struct StoreOptions {
  size_t block_cache_bytes = 256u << 20;
  size_t row_cache_bytes = 64u << 20;     // of rows as they were read
  size_t write_buffer_bytes = 64u << 20;  // of one family
  size_t rows_for_files = 50'000;         // so many changes and more are written as files
};

class Store {
 public:
  // Opens or creates the directory. kCorrupt: damaged; kUnsupported: another row format;
  // kConflict: held by another process; kIo.
  static Result<std::unique_ptr<Store>> open(const std::string& directory,
                                             const StoreOptions& options = {});
  ~Store();

  // Nothing if no decision of the partition has been applied.
  Result<std::optional<ProjectorPosition>> position(PartitionId partition) const;

  // What one partition adds to a write. No key is in two of them: all rows are of organizations.
  struct Part {
    const SortedChanges* changes;
    PartitionId partition;
    const ProjectorPosition* position;
  };
  // Writes the rows and the positions: all or nothing. Many rows go as sorted files that are taken
  // in at once, few through memory: the same to every reader.
  Result<void> write(std::span<const Part> parts);

  // The rows as they are now; later writes do not show.
  std::unique_ptr<RowView> view() const;
  // The same for one who reads each row once, or keeps it: nothing is kept here for others.
  std::unique_ptr<RowView> uncached_view() const;

  // Makes everything written so far durable.
  Result<void> flush();

  // Reads every block and compares checksums. kCorrupt: says which file.
  Result<void> check() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
