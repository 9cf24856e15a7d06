// A data directory opened by a tool while no daemon has it.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/log/segment_log.h"
#include "projections/read_models.h"
#include "tools/server/data_directory.h"
#include "tools/tenure/log_flags.h"

namespace tenure {

struct OfflineData {
  DataDirectory data;
  std::unique_ptr<DecisionLog> log;  // holds the directory's lock; over Kafka, the mirror's
  Partitions partitions;
  const SegmentLog* segments = nullptr;  // is the log, unless that is over Kafka
};

// kConflict: a process has it; the message names its pid and address. Over Kafka the log is read
// through the directory's mirror, which is brought up to date; what KafkaLog::open says.
Result<OfflineData> open_offline(const LogFlags& flags, std::string command);

}  // namespace tenure
