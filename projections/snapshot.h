// Snapshots: all rows of an organization right after one of its versions, so that its past is read
// without replaying it from the beginning.
//
// One is due every 1,000 versions; a larger organization waits until it has had as many versions
// since the last one as it had rows then, so that snapshots cost at most one row a decision however
// large it grows. Whether one is due follows from the history alone, so live and rebuilt rows
// agree.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "projections/memory_rows.h"
#include "projections/row_batch.h"

namespace tenure {

inline constexpr uint64_t kSnapshotInterval = 1000;

// The decision that made `version`, and the batch that it has just been reduced into.
struct SnapshotPoint {
  std::string_view org;
  uint64_t version, number;
  int64_t time;
};

bool snapshot_may_be_due(uint64_t version);  // cheap; if false, it is not
// Adds a snapshot to the organization's batch if one is due. `base` is the view under the batch.
Result<void> snapshot_if_due(RowBatch& rows, const RowView& base, const SnapshotPoint& point);

struct LoadedSnapshot {
  uint64_t version, number;
  int64_t time;
};

// Fills `rows` from the newest snapshot at or before the version (if given) and time (if given);
// nothing if there is none, with `rows` untouched.
Result<std::optional<LoadedSnapshot>> load_snapshot(const RowView& view, std::string_view org,
                                                    std::optional<uint64_t> version,
                                                    std::optional<Time> time, MemoryRows& rows);

}  // namespace tenure
