// What the claims of a Kafka partition say: who writes there, and that it is this log's.
#pragma once

#include <optional>
#include <string>

#include "engine/log/batch_rules.h"

namespace tenure {

// Who holds a partition: the process that may append, and where it is reached.
struct ClaimOwner {
  Stamp stamp;
  uint64_t tag = 0;
  Number next;  // where the log went on then; of an older claim, as its writer saw it (not above)
  std::string process;
  std::string address;
  std::string build;
  int64_t time_us = 0;
};

// Reads the claims of one partition in order.
class ClaimBook {
 public:
  // What every claim must name; `log_id` is the first claim's.
  explicit ClaimBook(ClaimingLog log) : log_(std::move(log)) {}

  // The claim at `record`, when `next` is the next decision's number. kInvalid: it was made for
  // another log, cluster, partition count or hash; says which and what to do.
  Result<void> read(const RawRecord& record, Number next);

  // The latest.
  const std::optional<ClaimOwner>& owner() const { return owner_; }
  // With the partition's log id, empty if there is no claim yet.
  const ClaimingLog& log() const { return log_; }

 private:
  ClaimingLog log_;
  std::optional<ClaimOwner> owner_;
};

}  // namespace tenure
