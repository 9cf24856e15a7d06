// `tenure bench embedded`: durable, validated commands a second through the whole engine in this
// process, beside what the segment writer and one fdatasync do in the same run.
#pragma once

#include "engine/base/result.h"
#include "tools/tenure/bench_report.h"

namespace tenure {

// Prints its rows as it goes. kIo, kUnavailable: what the engine said.
Result<void> bench_embedded(const BenchOptions& options);

}  // namespace tenure
