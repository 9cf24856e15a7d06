// Decisions read back from the log, for history, for a command's answer, for those who follow.
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

// Every decision from `first` on until `visit` has enough or the log ends.
Result<void> read_onward(DecisionLog& log, PartitionId partition, Number first,
                         const VisitDecision& visit);

}  // namespace tenure
