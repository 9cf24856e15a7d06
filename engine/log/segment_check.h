// Looking at a log without writing to it, for `tenure doctor`. Needs no lock; beside a running
// writer it sees the log as it was at some moment of the look.
#pragma once

#include <functional>
#include <string>

#include "engine/log/file_system.h"

namespace tenure {

struct LogDescription {
  std::string log_id;
  uint32_t partitions = 0;
  uint64_t segments = 0;  // the one made ahead included
  uint64_t bytes = 0;     // of all segment files
  uint64_t records = 0;
  uint64_t decisions = 0;  // the valid ones
  uint64_t claims = 0;
  uint64_t void_records = 0;
  uint64_t torn_bytes = 0;       // a torn last batch that the next start will cut
  bool stopped_cleanly = false;  // and not started since
};

// From footers and the active segment alone, as a start does. kNotFound: no log; kCorrupt, with
// segment and byte; kInvalid, kUnsupported, kIo.
Result<LogDescription> describe_log(FileSystem& files, const std::string& directory);

// Verifies every byte of every segment: each batch and each record against its checksum, records
// against the reader's rule, footers, indexes, and that nothing but zeros lies between. The first
// damage found, or what there is. `progress` is called after each segment with how many are done.
using CheckProgress = std::function<void(uint64_t done, uint64_t all)>;
Result<LogDescription> check_log_deeply(FileSystem& files, const std::string& directory,
                                        const CheckProgress& progress = {});

// The same of the sealed segments alone, beside a running writer, for whoever does it now and then.
// `checked` is called after each segment with its size; false ends the check, which is then a
// success.
using SegmentChecked = std::function<bool(uint64_t bytes)>;
Result<void> check_sealed_segments(FileSystem& files, const std::string& directory,
                                   const SegmentChecked& checked);

}  // namespace tenure
