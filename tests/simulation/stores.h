// Where a simulated engine keeps its state and its read models: in memory, or in RocksDB.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "engine/domain/state.h"
#include "engine/log/decision_log.h"
#include "engine/partition/state_store.h"
#include "projections/projector.h"
#include "tests/partition/memory_state_store.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {

class SimulatedStores {
 public:
  SimulatedStores(bool real, uint64_t seed);

  // After a start or a crash. Error: why the simulation has failed.
  Result<void> open_state();
  Result<void> open_read_models(DecisionLog& log);
  StateStore& state() { return real_ ? *rocks_state_ : memory_state_; }

  // The process dies: what RocksDB has not flushed is gone.
  void crash();

  // Faults, between a crash and the next start. They say what they did: "" for nothing.
  enum class Harm : uint8_t { kNone, kLostCheckpoint, kLostStore };
  Harm harm(std::mt19937_64& random);
  // While running; the state store in memory only.
  void fail_writes(bool fail);

  // One step of the projector, and sometimes a flush of what it wrote; false if there was nothing
  // to do.
  Result<bool> project();
  // That every organization and member is there. After compare_with_rebuilt.
  Result<void> compare_with(const std::map<std::string, Organization, std::less<>>& organizations);
  // Projects all of the log, builds the read models again beside them, and compares.
  Result<void> compare_with_rebuilt(DecisionLog& log);

 private:
  bool real_;
  TemporaryDirectory directory_;
  MemoryStateStore memory_state_;
  std::unique_ptr<StateStore> rocks_state_;
  std::unique_ptr<Store> read_models_;
  std::unique_ptr<Projector> projector_;
  size_t projected_ = 0;  // steps
};

}  // namespace tenure::test
