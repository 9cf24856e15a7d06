#include "projections/usage_counters.h"

#include <algorithm>

#include "engine/domain/billing_rows.h"
#include "engine/domain/calendar.h"

namespace tenure {

Counters get_counters(Reduction& in, std::string_view space, const std::vector<CounterKey>& keys) {
  Counters counters;
  for (const auto& [month, meter] : keys) {
    const auto* row =
        in.rows.get<schema::MeterRow>(Family::kUsage, in.keys.meter(space, month, meter));
    if (row != nullptr) counters.try_emplace({month, meter}, counter_in(*row));
  }
  return counters;
}

Counters get_billable_counters(Reduction& in, std::string_view space_id, const Space& space) {
  std::vector<CounterKey> keys;
  for (const Stretch& stretch : space.stretches) {
    for (const schema::MeterTerms* meter : *stretch.terms.get().meters()) {
      if (meter->tiers() == nullptr) continue;
      for (const Period& period : space.periods) {
        for (Month month = month_of(period.from); month <= month_of(period.to); ++month) {
          keys.emplace_back(month, meter->meter()->str());
        }
      }
    }
  }
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return get_counters(in, space_id, keys);
}

void put_counters(Reduction& in, std::string_view space, const Counters& before,
                  const Counters& after) {
  for (const auto& [key, counter] : after) {
    const auto held = before.find(key);
    if (held != before.end() && held->second == counter) continue;
    in.put(Family::kUsage, in.keys.meter(space, key.first, key.second),
           meter_row(in.builder, counter));
  }
}

}  // namespace tenure
