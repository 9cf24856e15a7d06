// Which log a partition is of: what its first claim says.
#pragma once

#include <string>

#include "engine/log/decision_log.h"

namespace tenure {

// `from_the_start`: a cursor at the partition's first record. Empty: no claim yet, or it does not
// say.
Result<std::string> log_id_of(RecordCursor& from_the_start);
Result<std::string> log_id_of(DecisionLog& log, PartitionId partition);

}  // namespace tenure
