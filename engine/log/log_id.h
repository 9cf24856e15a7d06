// Which log a partition is of, by its first claim (DecisionLog::log_id).
#pragma once

#include <string>

#include "engine/log/decision_log.h"

namespace tenure {

// `from_the_start`: a cursor at the partition's first record. Empty: no claim yet, or it does not
// say.
Result<std::string> log_id_of(RecordCursor& from_the_start);
// How many partitions the log has, by the same claim; nothing if there is none.
Result<std::optional<uint32_t>> partitions_of_log(RecordCursor& from_the_start);

}  // namespace tenure
