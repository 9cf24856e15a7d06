// What this machine's disk and the bare segment writer can do, without an engine: the figures that
// benchmarks of the whole are held against, measured in the same run.
#pragma once

#include <chrono>
#include <string>

#include "engine/base/result.h"

namespace tenure {

// The median time of writing 4 KiB into a zero-filled file of `directory` and syncing it, over
// `writes` writes.
Result<std::chrono::nanoseconds> probe_sync(const std::string& directory, int writes = 2000);

struct WriterProbe {
  uint64_t records = 0;
  uint64_t bytes = 0;
  double seconds = 0;
  double records_per_second() const { return static_cast<double>(records) / seconds; }
};
// Encodes records of so many payload bytes, and writes them by a SegmentWriter in batches of about
// `batch_bytes`, each synced, into one zero-filled segment of `total_bytes`.
Result<WriterProbe> probe_writer(const std::string& directory, size_t payload_bytes,
                                 size_t batch_bytes, uint64_t total_bytes = 256u << 20);

// Reads a whole log through the reader's rule.
struct ReaderProbe {
  uint64_t decisions = 0;
  double seconds = 0;
  double decisions_per_second() const { return static_cast<double>(decisions) / seconds; }
};
Result<ReaderProbe> probe_reader(const std::string& log_directory);

}  // namespace tenure
