// `tenure bench usage`: metering, and what many billing periods that end at once take.
#pragma once

#include "tools/tenure/bench_report.h"

namespace tenure {

// A row for batches of 1, 10 and 100 entries: entries a second, each looked up among the ones that
// were counted, beside what the bare segment writer does with records of the same size. Then
// 100,000 spaces' periods: closed in the same second, and invoiced an hour later.
Result<void> bench_usage(const BenchOptions& options);

}  // namespace tenure
