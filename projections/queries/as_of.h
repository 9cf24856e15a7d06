// An organization as it was: after one of its versions, or at a moment.
//
// Begins at the newest snapshot at or before it and applies the organization's decisions since
// then, read from the log, through the same projections. The log is never scanned: history names
// the decisions. Any thread, a log that may be read from it provided. Errors: kNotFound (no such
// organization yet then, or a version not reached), kUnavailable (`stop` was requested), kCorrupt,
// kIo.
#pragma once

#include <memory>
#include <stop_token>
#include <string_view>
#include <variant>

#include "engine/base/time.h"
#include "engine/log/decision_log.h"
#include "projections/memory_rows.h"
#include "projections/rows.h"

namespace tenure {

// The state after the accepted decision of this version, or after every decision made at or before
// this time.
using Moment = std::variant<uint64_t, Time>;

struct PastOrganization {
  std::unique_ptr<MemoryRows> rows;
  uint64_t version;
  Time time;  // of the moment asked for, or of the decision that made the version
};

Result<PastOrganization> as_of(const RowView& now, DecisionLog& log, PartitionId partition,
                               std::string_view org, Moment moment,
                               const std::stop_token& stop = {});

}  // namespace tenure
