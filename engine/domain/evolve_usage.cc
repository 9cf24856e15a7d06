#include <algorithm>

#include "engine/domain/evolve_events.h"
#include "engine/domain/usage.h"

namespace tenure {
namespace {

Counter& counter_of(Space& space, Month month, const flatbuffers::String* meter) {
  return space.counters[{month, meter->str()}];
}

bool is_duplicate(const schema::UsageRecorded& event, uint32_t entry) {
  const auto* duplicates = event.duplicates();
  return duplicates != nullptr && std::binary_search(duplicates->begin(), duplicates->end(), entry);
}

}  // namespace

void evolve(Organization& organization, const schema::UsageRecorded& event,
            const Happened& happened) {
  Space& space = space_of(organization, event.space());
  const Month oldest_open = oldest_open_month(happened.time);
  space.usage_seen.erase(space.usage_seen.begin(), space.usage_seen.lower_bound(oldest_open));
  for (uint32_t i = 0; i < event.entries()->size(); ++i) {
    const schema::UsageEntry& entry = *event.entries()->Get(i);
    const Month month = month_of(from_micros(*entry.time()));
    if (month < oldest_open || is_duplicate(event, i)) continue;
    count_use(counter_of(space, month, entry.meter()),
              used_under(space, from_micros(*entry.time())), text(entry.meter()), entry.quantity(),
              happened.number);
    space.usage_seen[month].insert(usage_fingerprint(text(entry.source()), text(entry.id())));
  }
}

void evolve(Organization& organization, const schema::UsageThresholdReached& event,
            const Happened& happened) {
  Space& space = space_of(organization, event.space());
  const Month month =
      event.month()->size() == 0 ? month_of(happened.time) : parse_month(text(event.month()));
  Counter& counter = counter_of(space, month, event.meter());
  counter.crossed_percent =
      std::max(counter.crossed_percent, static_cast<uint8_t>(event.percent()));
}

}  // namespace tenure
