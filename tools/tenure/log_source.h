// The records of a log for tools that only look: nothing is locked, whoever else may be writing.
#pragma once

#include <memory>

#include "engine/log/decision_log.h"
#include "tools/tenure/log_flags.h"

namespace tenure {

class LogSource {
 public:
  virtual ~LogSource() = default;
  virtual uint32_t partitions() const = 0;
  // As it is now.
  virtual Result<Offset> durable_end(PartitionId partition) = 0;
  // From an offset to the durable end as it was then. One cursor at a time, not outliving this.
  virtual Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) = 0;
  // Where a decision lies. kNotFound beyond the end; kInvalid: this log cannot be asked so.
  virtual Result<Offset> find(PartitionId partition, Number number) = 0;
  // As DecisionLog::log_id().
  virtual Result<std::string> log_id(PartitionId partition);
};

// Of the data directory, or of the topic itself. What DataDirectory::existing, SegmentReader::open
// and KafkaConsumer.
Result<std::unique_ptr<LogSource>> open_log_source(const LogFlags& flags);
// Of a data directory: its own log, or its mirror of one over Kafka.
Result<std::unique_ptr<LogSource>> open_log_or_mirror(const std::string& root);

}  // namespace tenure
