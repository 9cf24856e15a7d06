// `tenure bench check`: "may they?" asked in process of the live read models, one at a time.
#pragma once

#include "engine/base/result.h"
#include "tools/tenure/bench_report.h"

namespace tenure {

// The probe is one bare row look-up in the same store.
Result<void> bench_check(const BenchOptions& options);

}  // namespace tenure
