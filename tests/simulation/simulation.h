// The engine under a simulated world: partition, segment log over a disk that loses power, state
// store, projector and clock, on one thread, all by one seed. At every step the seed chooses what
// happens next: a command, a retry, a stroke of any thread's work, a jump of the clock, a fault. A
// model (model.h) checks every answer and, after every crash, the whole log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/model.h"

namespace tenure::test {

struct SimulationOptions {
  uint64_t seed = 1;
  size_t steps = 2000;
  // State store and read models in RocksDB, in a temporary directory; else the state store is one
  // in memory, and there are no read models.
  bool real_stores = false;
};

struct SimulationReport {
  std::optional<std::string> failure;
  ModelCounts answers;
  size_t steps = 0, crashes = 0, power_losses = 0, faults = 0, clock_jumps = 0, cut_bytes = 0,
         lost_checkpoints = 0, lost_stores = 0;
  uint64_t decisions = 0, checkpoints = 0, loads = 0, retries_read = 0;
};

SimulationReport simulate(const SimulationOptions& options);

}  // namespace tenure::test
