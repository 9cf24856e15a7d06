// Walks every state that the claim protocol can reach, breadth first, so that the first fault found
// has a shortest path to it. Of a state that was left only a 64-bit hash and its parent are kept;
// among n states two share a hash with a chance of n^2 / 2^65 (10 million: 1 in 370,000), and one
// of the two would then be missed. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/protocol/protocol_model.h"

namespace tenure::test {

struct Exploration {
  size_t states = 0;
  size_t transitions = 0;
  size_t depth = 0;     // steps to the farthest state
  size_t finished = 0;  // states in which all commands are decided
  size_t stopped = 0;   // states in which a reader stops
  bool complete = false;
  std::optional<std::string> fault;
  std::vector<Step> path;  // to the fault
};

// Stops at the first fault, or when there are more than `limit` states.
Exploration explore(const ProtocolModel& model, size_t limit);

}  // namespace tenure::test
