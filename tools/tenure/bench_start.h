// `tenure bench start`: how long opening takes with many decisions in the log, after a kill and
// after a clean stop.
#pragma once

#include "engine/base/result.h"
#include "tools/tenure/bench_report.h"

namespace tenure {

// Writes `commands` decisions first. The probe is opening an empty directory in the same run.
Result<void> bench_start(const BenchOptions& options);

}  // namespace tenure
