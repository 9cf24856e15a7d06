// Decisions read back from the log, for history and for a command's answer.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/log/decision_log.h"
#include "engine/log/log_reader.h"

namespace tenure {

// Called for each decision; false ends the walk. The payload lives for the call only.
using VisitDecision = std::function<bool(Position, std::span<const std::byte> payload)>;

// The decisions of these numbers, in the order given. kNotFound for one beyond the end.
Result<void> read_numbered(DecisionLog& log, PartitionId partition,
                           std::span<const uint64_t> numbers, const VisitDecision& visit);

}  // namespace tenure
