// `tenure bench relay`: events of a log in files to a topic as CloudEvents, by the relay; beside a
// producer alone that sends the same messages, made before the clock starts, to a topic of their
// own. Makes the topics, and removes them. kConflict: one is there already.
#pragma once

#include "engine/base/result.h"
#include "tools/tenure/bench_report.h"

namespace tenure {

Result<void> bench_relay(const BenchOptions& options);

}  // namespace tenure
