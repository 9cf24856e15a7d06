// One measured run of binary commands through an EngineHost, closed loop: never more than
// `in_flight` unanswered.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/result.h"
#include "tools/server/engine_host.h"
#include "tools/tenure/bench_report.h"
#include "tools/tenure/bench_workload.h"

namespace tenure {

struct EngineRun {
  double seconds = 0;          // from the first submission to the last durable answer
  double applied_seconds = 0;  // until the read models had the last decision, too
  uint64_t accepted = 0, rejected = 0;
  uint64_t decision_bytes = 0;  // of all decisions
  std::vector<uint64_t> latencies_ns;
};

// Commands [begin, end) of the arena, each verified as an ingress does. kUnavailable if one was not
// decided.
Result<EngineRun> run_engine(EngineHost& host, const CommandArena& commands, size_t begin,
                             size_t end, size_t in_flight, bool wait_applied);

// `commands` of the bench's mix over so many organizations, which are made first, built in pieces
// that bound the memory they take.
Result<void> run_mix(EngineHost& host, uint32_t organizations, size_t commands);

// A data directory with a log of the mix, and no read models.
Result<void> write_mix(const BenchOptions& options, const std::string& directory);

}  // namespace tenure
