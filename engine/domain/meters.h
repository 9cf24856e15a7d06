// Meters: gauges that commands move themselves (resources, members) and counters (RecordUsage),
// their limits and their thresholds.
#pragma once

#include "engine/domain/calendar.h"
#include "engine/domain/guards.h"

namespace tenure {

inline constexpr std::string_view kResourcesMeter = "resources";
inline constexpr std::string_view kMembersMeter = "members";

// A meter about to rise.
struct Rise {
  const schema::MeterTerms* terms;  // null: the plan does not count it
  Month month;                      // whose thresholds it may cross
  uint64_t used, added;
  uint8_t told = 0;  // the highest percent that the same decision has told of already
};

// Distinct users with direct or group access to the space.
uint64_t members_of(const Organization& organization, const Space& space);

// limit_exceeded if the rise goes beyond a hard limit.
Verdict within_limit(const SpaceCaller& caller, const Rise& rise);

// The rise of a gauge, within its limit. `newcomers`: users who had no access before.
Guarded<Rise> members_rise(Time now, const SpaceCaller& caller, uint64_t newcomers);
Guarded<Rise> resources_rise(Time now, const SpaceCaller& caller, uint64_t added);

// Adds UsageThresholdReached for what the rise crosses for the first time in its month. Returns
// the highest percent that was told of, here or by the same decision before.
uint8_t tell_crossed(const SpaceCaller& caller, const Rise& rise, EventSink& events);

}  // namespace tenure
