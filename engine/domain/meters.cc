#include "engine/domain/meters.h"

#include <algorithm>
#include <vector>

namespace tenure {
namespace {

Guarded<Rise> gauge_rise(Time now, const SpaceCaller& caller, std::string_view meter, uint64_t used,
                         uint64_t added) {
  const Rise rise{caller.space->subscription.terms.meter(meter), month_of(now), used, added};
  TRY(within_limit(caller, rise));
  return rise;
}

uint8_t crossed_before(const Space& space, const Rise& rise) {
  const auto counter = space.counters.find({rise.month, rise.terms->meter()->str()});
  return counter == space.counters.end() ? 0 : counter->second.crossed_percent;
}

}  // namespace

uint64_t members_of(const Organization& organization, const Space& space) {
  constexpr std::string_view kUser = "user:", kGroup = "group:";
  std::vector<std::string_view> users;
  for (const auto& [subject, roles] : space.access) {
    const std::string_view key = subject;
    if (key.starts_with(kUser)) {
      users.push_back(key.substr(kUser.size()));
    } else {
      const Group& group = organization.groups.find(key.substr(kGroup.size()))->second;
      users.insert(users.end(), group.users.begin(), group.users.end());
    }
  }
  std::ranges::sort(users);
  return users.size() - std::ranges::unique(users).size();
}

Verdict within_limit(const SpaceCaller& caller, const Rise& rise) {
  if (rise.terms == nullptr || !rise.terms->limit() || rise.terms->tiers() != nullptr) return {};
  const uint64_t limit = *rise.terms->limit();
  if (rise.used <= limit && rise.added <= limit - rise.used) return {};
  const std::string meter = rise.terms->meter()->str();
  const std::string plan(caller.space->subscription.terms.name());
  return reject(
      RejectionCode::limit_exceeded,
      meter + ": plan " + plan + " allows " + std::to_string(limit) + ", " +
          std::to_string(rise.used) + " are used and " + std::to_string(rise.added) +
          " more asked for; upgrade the plan, or use less",
      rule_of(caller, "plan " + plan + ": at most " + std::to_string(limit) + " " + meter));
}

Guarded<Rise> members_rise(Time now, const SpaceCaller& caller, uint64_t newcomers) {
  const schema::MeterTerms* terms = caller.space->subscription.terms.meter(kMembersMeter);
  if (newcomers == 0 || terms == nullptr || !terms->limit()) {
    return Rise{nullptr, month_of(now), 0, 0};  // nothing to measure: counting costs a walk
  }
  return gauge_rise(now, caller, kMembersMeter, members_of(caller.organization, *caller.space),
                    newcomers);
}

Guarded<Rise> resources_rise(Time now, const SpaceCaller& caller, uint64_t added) {
  // Whoever is beyond a limit may still change what is there.
  if (added == 0) return Rise{nullptr, month_of(now), 0, 0};
  return gauge_rise(now, caller, kResourcesMeter, caller.space->resource_count, added);
}

uint8_t tell_crossed(const SpaceCaller& caller, const Rise& rise, EventSink& events) {
  if (rise.terms == nullptr || !rise.terms->limit()) return rise.told;
  const uint64_t limit = *rise.terms->limit(), now_used = rise.used + rise.added;
  const struct {
    uint8_t percent;
    uint64_t use;
  } thresholds[] = {{80, limit - limit / 5}, {100, limit}};
  if (now_used < thresholds[0].use || rise.used >= limit) return rise.told;
  uint8_t told = std::max(rise.told, crossed_before(*caller.space, rise));
  auto& builder = events.builder();
  for (const auto& threshold : thresholds) {
    const bool crosses = rise.used < threshold.use && now_used >= threshold.use;
    if (!crosses || told >= threshold.percent) continue;
    const bool counter = rise.terms->kind() == schema::MeterKind::counter;
    const auto space = builder.CreateString(caller.space_id);
    const auto meter = builder.CreateString(rise.terms->meter());
    const auto month = builder.CreateString(counter ? month_name(rise.month) : std::string());
    events.add(schema::CreateUsageThresholdReached(builder, space, meter, threshold.percent,
                                                   now_used, limit, month));
    told = threshold.percent;
  }
  return told;
}

}  // namespace tenure
