// `tenure bench kafka`: binary commands from the commands topic through the whole engine in this
// process to decisions that a reader finds valid in the log topic; beside a bare producer that
// sends the same decision records to the same brokers in the same run. And latency at half of that
// load, open loop: from the moment a command was due to the moment its decision was read.
//
// `tenure bench kafka-peer`: the same commands, clock and reader for an engine that is not ours and
// runs elsewhere: it reads PREFIX.commands and writes a Decision for each to PREFIX.decisions
// (tests/bench/peers).
//
// Both make their topics, and remove those that they made. kConflict: one is there already.
#pragma once

#include "engine/base/result.h"
#include "tools/tenure/bench_report.h"

namespace tenure {

Result<void> bench_kafka(const BenchOptions& options);
Result<void> bench_kafka_peer(const BenchOptions& options);

}  // namespace tenure
