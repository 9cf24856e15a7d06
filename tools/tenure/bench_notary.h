// `tenure bench notary`: what signed heads cost, beside bare SHA-256.
#pragma once

#include "tools/tenure/bench_report.h"

namespace tenure {

// Two rows: the tree (leaf and node hashes) beside the SHA-256 of the same messages, and the
// offline verification of a log in files beside the SHA-256 of its payloads from memory. In
// decisions, and bytes of payload, a second.
Result<void> bench_notary(const BenchOptions& options);

}  // namespace tenure
