// Figures of a running host, for /metrics and for `tenure bench`.
#pragma once

#include <cstdint>

#include "engine/partition/partition.h"

namespace tenure {

struct HostStats {
  uint64_t durable = 0;    // decisions in the log
  uint64_t applied = 0;    // of those, in the read models
  uint64_t submitted = 0;  // commands taken since the start
  uint64_t mailbox = 0;    // handed in, not yet seen by the engine
  uint64_t log_batches = 0;
  double log_sync_seconds = 0;  // writing and syncing, summed over the batches
  PartitionStats partition;     // as of the engine's last turn
};

}  // namespace tenure
