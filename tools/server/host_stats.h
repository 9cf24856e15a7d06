// Figures of a running host, for /metrics and for `tenure bench`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/partition/partition.h"

namespace tenure {

// One partition, as this process sees it.
struct PartitionStatus {
  PartitionId id;
  bool writer = false;     // this process owns it
  std::string owner;       // the process of the last claim seen; empty before the first
  std::string address;     // where that is reached
  std::string build;       // and what it decides by
  uint64_t claim = 0;      // its stamp
  uint64_t durable = 0;    // decisions in the log
  uint64_t applied = 0;    // of those, in the read models
  uint64_t settled = 0;    // commands below this offset of the commands partition are dealt with
  uint64_t waiting = 0;    // commands handed in and not decided
  uint64_t in_flight = 0;  // decided, and not in the log yet
  std::optional<Time> due_at;  // when the engine has work of its own; in the past: late
};

struct HostStats {
  uint64_t durable = 0;    // decisions in the log
  uint64_t applied = 0;    // of those, in the read models
  uint64_t submitted = 0;  // commands taken since the start
  uint64_t mailbox = 0;    // handed in, not yet seen by the engine
  uint64_t log_batches = 0;
  double log_sync_seconds = 0;  // writing and syncing, summed over the batches
  std::string log_refusal;      // why the log takes no commands now; empty: it does
  std::string log_damage;       // what the scrub found; empty: nothing
  uint64_t scrubbed_segments = 0;
  std::string read_models_error;  // why they do not go on; empty: they do
  std::string notary_error;       // why no head is signed or published; empty: they are
  std::string notary_mismatch;    // how the log differs from what was signed; empty: it does not
  std::string another_build;      // who decides by something else than this process; empty: nobody
  PartitionStats partition;       // as of the engine's last turn
};

}  // namespace tenure
