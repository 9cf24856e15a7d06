// One decision read back from the log by its number.
#pragma once

#include <memory>
#include <span>

#include "engine/log/decision_log.h"
#include "schemas/decision_generated.h"

namespace tenure {

// The decision lies in the cursor's buffer and lives as long as it does.
struct LogDecision {
  std::unique_ptr<RecordCursor> cursor;
  std::span<const std::byte> payload;
  const schema::Decision& get() const {
    return *flatbuffers::GetRoot<schema::Decision>(payload.data());
  }
};

// Any thread, a log that may be read from it provided. kNotFound beyond the log's end; kCorrupt if
// another record lies where the decision should.
Result<LogDecision> read_decision(DecisionLog& log, PartitionId partition, uint64_t number);

}  // namespace tenure
