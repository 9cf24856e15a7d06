// Figures of a running host, for /metrics and for `tenure bench`.
#pragma once

#include <cstdint>

namespace tenure {

struct HostStats {
  uint64_t durable = 0;  // decisions in the log
  uint64_t applied = 0;  // of those, in the read models
  uint64_t submitted = 0;
  uint64_t answered = 0;
  uint64_t queued = 0;  // in the mailbox now
  uint64_t log_batches = 0;
  double log_batch_seconds = 0;  // from hand-over to durable, summed over the batches
};

}  // namespace tenure
