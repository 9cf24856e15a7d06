// What every log asks of a batch before it takes it, and what a claim record holds.
#pragma once

#include <string>
#include <string_view>

#include "engine/log/log_reader.h"

namespace tenure {

// Where a reader will stand after this batch. kInvalid unless every record of it would be valid
// there: consecutive decisions from `from` on, under the current stamp, as many as it says.
Result<ReaderPosition> position_after(const Batch& batch, ReaderPosition from);

// What the log knows of itself, for its claims.
struct ClaimingLog {
  std::string log_id;
  PartitionId partition;
  uint32_t partitions = 1;
  std::string cluster_id = {};  // of a Kafka cluster
};

// How organizations are spread over the partitions; every claim names it.
inline constexpr std::string_view kPartitionHash = "murmur2";

// The claim that `writer` makes at `at`: a batch of one record. On Kafka others may write before it
// lands, so stamp and number are then only where its writer saw the log; no rule reads them.
AlignedBytes claim_record(const ClaimingLog& log, const Writer& writer, const ReaderPosition& at,
                          uint64_t tag = 0);

// The session that a claim at `at` begins.
inline Session session_of(const ReaderPosition& at) {
  return {{at.next_offset.value + 1}, at.next_number};
}

}  // namespace tenure
