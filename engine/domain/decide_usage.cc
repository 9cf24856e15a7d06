#include <algorithm>
#include <ranges>
#include <span>
#include <vector>

#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/invoice_lines.h"
#include "engine/domain/meters.h"
#include "engine/domain/usage.h"

namespace tenure {
namespace {

constexpr size_t kMaxEntries = 5000;
constexpr std::chrono::minutes kMaxAhead{5};
constexpr uint64_t kMaxQuantity = 1'000'000'000'000;

Time time_of(const schema::UsageEntry& entry, Time now) {
  return entry.time() ? from_micros(*entry.time()) : now;
}

Verdict valid_entry(const schema::UsageEntry& entry, Time now) {
  TRY(valid_id("entries.source", entry.source()));
  TRY(valid_id("entries.id", entry.id()));
  if (entry.quantity() > kMaxQuantity) {
    return reject(RejectionCode::invalid_value,
                  "quantity must be at most " + std::to_string(kMaxQuantity) + "; split the entry",
                  "contract: usage entries");
  }
  const Time time = time_of(entry, now);
  if (time >= from_micros(0) && time <= now + kMaxAhead) return {};
  return reject(RejectionCode::invalid_value,
                "entry " + in_quotes(text(entry.id())) +
                    " must not lie more than 5 minutes ahead, nor before 1970; set the clock",
                "contract: usage entries");
}

Verdict valid_entries(const schema::RecordUsage& command, Time now) {
  const auto& entries = *command.entries();
  if (entries.size() == 0) {
    return reject(RejectionCode::invalid_value, "entries is empty; name at least one",
                  "contract: usage entries");
  }
  TRY(valid_size("entries", entries.size(), kMaxEntries));
  for (const schema::UsageEntry* entry : entries) TRY(valid_entry(*entry, now));
  return {};
}

Guarded<const schema::MeterTerms*> known_counter(const SpaceCaller& caller, const PlanTerms& plan,
                                                 std::string_view name) {
  const schema::MeterTerms* terms = plan.meter(name);
  if (terms != nullptr && terms->kind() == schema::MeterKind::counter) return terms;
  if (terms != nullptr) {
    return reject(
        RejectionCode::invalid_value,
        in_quotes(name) + " moves by itself with what is added and removed; record a counter",
        rule_of(caller, "gauges are not recorded"));
  }
  std::string counters;
  for (const schema::MeterTerms* meter : *plan.get().meters()) {
    if (meter->kind() != schema::MeterKind::counter) continue;
    counters += (counters.empty() ? "" : ", ") + meter->meter()->str();
  }
  return reject(RejectionCode::unknown_meter,
                "meter " + in_quotes(name) + " is unknown; the counters are " + counters,
                rule_of(caller, "meters of the plan"));
}

// What a batch comes to: who was there before, and how much each meter and month rises.
struct Tally {
  std::vector<uint32_t> duplicates;
  std::vector<Rise> rises;
  uint32_t counted = 0;
};

uint64_t used(const Space& space, Month month, const schema::MeterTerms& terms) {
  const auto counter = space.counters.find({month, terms.meter()->str()});
  return counter == space.counters.end() ? 0 : counter->second.used;
}

bool is_of(const Rise& rise, Month month, const schema::MeterTerms& terms) {
  return rise.month == month && text(rise.terms->meter()) == text(terms.meter());
}

// A batch comes to what its entries would one after the other: where the plan changes between two
// of a month, the second goes on from what the first came to.
void add_rise(const Space& space, Month month, const schema::MeterTerms& terms, uint64_t quantity,
              std::vector<Rise>& rises) {
  const auto backwards = std::views::reverse(rises);
  const auto last =
      std::ranges::find_if(backwards, [&](const Rise& r) { return is_of(r, month, terms); });
  if (last != backwards.end() && last->terms == &terms) {
    last->added += quantity;
    return;
  }
  const uint64_t before =
      last == backwards.end() ? used(space, month, terms) : last->used + last->added;
  rises.push_back({&terms, month, before, quantity});
}

// An id counts once, whatever time it is sent with again.
bool was_recorded(const Space& space, Month oldest_open, Fingerprint fingerprint) {
  const auto remembered =
      std::ranges::subrange(space.usage_seen.lower_bound(oldest_open), space.usage_seen.end());
  return std::ranges::any_of(remembered,
                             [&](const auto& seen) { return seen.second.contains(fingerprint); });
}

Guarded<Tally> tally(const SpaceCaller& caller, const schema::RecordUsage& command, Time now) {
  const Space& space = *caller.space;
  const Month oldest_open = oldest_open_month(now);
  const auto& entries = *command.entries();
  FingerprintSet seen_here;  // entries of this batch
  Tally tally;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const schema::UsageEntry& entry = *entries[i];
    const Time time = time_of(entry, now);
    const schema::MeterTerms* terms =
        TRY(known_counter(caller, *used_under(space, time).terms, text(entry.meter())));
    const Month month = month_of(time);
    if (month < oldest_open) continue;  // recorded, but its ids are forgotten and it counts no more
    const Fingerprint fingerprint = usage_fingerprint(text(entry.source()), text(entry.id()));
    if (was_recorded(space, oldest_open, fingerprint) ||
        (entries.size() > 1 && !seen_here.insert(fingerprint))) {
      tally.duplicates.push_back(i);
      continue;
    }
    ++tally.counted;
    add_rise(space, month, *terms, entry.quantity(), tally.rises);
  }
  return tally;
}

// A threshold is told of once a month, though each plan of the month has its own.
void tell_crossed_once(const SpaceCaller& caller, std::span<Rise> rises, EventSink& events) {
  for (size_t i = 0; i < rises.size(); ++i) {
    Rise& rise = rises[i];
    for (const Rise& before : rises.first(i)) {
      if (is_of(before, rise.month, *rise.terms)) rise.told = std::max(rise.told, before.told);
    }
    rise.told = tell_crossed(caller, rise, events);
  }
}

bool is_duplicate(const Tally& tally, uint32_t entry) {
  return std::ranges::binary_search(tally.duplicates, entry);
}

// What the batch makes of the counters that have a cap must not cost more than that.
Verdict within_caps(const SpaceCaller& caller, const schema::RecordUsage& command,
                    const Tally& tally, Time now) {
  const Space& space = *caller.space;
  if (space.caps.empty()) return {};
  Counters after;
  for (uint32_t i = 0; i < command.entries()->size(); ++i) {
    const schema::UsageEntry& entry = *command.entries()->Get(i);
    const Time time = time_of(entry, now);
    if (is_duplicate(tally, i) || month_of(time) < oldest_open_month(now)) continue;
    if (!space.caps.contains(text(entry.meter()))) continue;
    const std::pair key(month_of(time), entry.meter()->str());
    const auto held = space.counters.find(key);
    Counter& counter =
        after.try_emplace(key, held == space.counters.end() ? Counter{} : held->second)
            .first->second;
    count_use(counter, used_under(space, time), text(entry.meter()), entry.quantity(), {});
  }
  for (const auto& [key, counter] : after) {
    const auto& [month, meter] = key;
    const auto held = space.counters.find(key);
    const Minor cost = overage_of(counter, space.stretches, month, meter);
    const Minor cap = space.caps.find(meter)->second;
    const Minor before =
        held == space.counters.end() ? 0 : overage_of(held->second, space.stretches, month, meter);
    if (cost <= cap || cost == before) continue;
    return reject(RejectionCode::limit_exceeded,
                  meter + ": this would cost " + std::to_string(cost) +
                      " beyond the plan, and the spending cap is " + std::to_string(cap) +
                      " minor units a month; raise the cap, or use less",
                  rule_of(caller, "spending cap of " + meter));
  }
  return {};
}

Verdict records_something(const SpaceCaller& caller, const schema::RecordUsage& command,
                          const Tally& tally) {
  if (tally.duplicates.size() < command.entries()->size()) return {};
  return reject(RejectionCode::nothing_to_do, "every entry was recorded before",
                rule_of(caller, "a usage id counts once"));
}

flatbuffers::Offset<schema::UsageEntry> copy_entry(flatbuffers::FlatBufferBuilder& builder,
                                                   const schema::UsageEntry& entry, Time now) {
  const auto source = builder.CreateString(entry.source());
  const auto id = builder.CreateString(entry.id());
  const auto meter = builder.CreateString(entry.meter());
  return schema::CreateUsageEntry(builder, source, id, meter, entry.quantity(),
                                  to_micros(time_of(entry, now)));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::RecordUsage& command, EventSink& events) {
  const Time now = in.context.now;
  TRY(valid_id("space", command.space()));
  TRY(valid_entries(command, now));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kUsageRecord));
  TRY(exists(caller));
  Tally tallied = TRY(tally(caller, command, now));
  TRY(records_something(caller, command, tallied));
  TRY(takes_more(caller));
  for (const Rise& rise : tallied.rises) TRY(within_limit(caller, rise));
  TRY(within_caps(caller, command, tallied, now));

  auto& builder = events.builder();
  std::vector<flatbuffers::Offset<schema::UsageEntry>> entries;
  entries.reserve(command.entries()->size());
  for (const auto* entry : *command.entries()) entries.push_back(copy_entry(builder, *entry, now));
  const auto space = builder.CreateString(command.space());
  const auto recorded = builder.CreateVector(entries);
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> duplicates;
  if (!tallied.duplicates.empty()) duplicates = builder.CreateVector(tallied.duplicates);
  events.add(schema::CreateUsageRecorded(builder, space, recorded, tallied.counted, duplicates));
  tell_crossed_once(caller, tallied.rises, events);
  return {};
}

}  // namespace tenure
