// Exports a log: all its events, and the read models as they are at the same place of the log.
#pragma once

#include <functional>
#include <string>

#include "consumers/analytics/export_target.h"
#include "engine/log/decision_log.h"
#include "projections/read_models.h"

namespace tenure {

struct ExportReport {
  uint64_t decisions = 0, events = 0;  // that were new
};

// `work`: a directory for the read models that the export builds for itself; the next one goes on
// with them. The log must stand still, as one that was opened for reading does. Cut off at any
// moment, the next run goes on. kCorrupt, kUnsupported: the log's reader stops there, and what lies
// before is in the target.
Result<ExportReport> export_log(DecisionLog& log, const std::string& log_id,
                                const Partitions& partitions, const std::string& work,
                                ExportTarget& target);

}  // namespace tenure
