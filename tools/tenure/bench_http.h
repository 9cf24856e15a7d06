// `tenure bench http`: JSON commands over HTTP, one a request and in NDJSON batches of 100, beside
// this server's own hello-world at the same connections. Client and server share the machine.
#pragma once

#include "engine/base/result.h"
#include "tools/tenure/bench_report.h"

namespace tenure {

Result<void> bench_http(const BenchOptions& options);

}  // namespace tenure
