#include "projections/projection.h"

#include <span>

#include "engine/base/check.h"

namespace tenure {

Reduction DecisionReducer::reduction(std::string_view actor, uint64_t version, uint64_t number,
                                     int64_t time) {
  return {.org = org_,
          .actor = actor,
          .number = number,
          .version = version,
          .time = time,
          .rows = rows_,
          .keys = keys_,
          .builder = buffers_.builder,
          .held_space = buffers_.held_space};
}

void DecisionReducer::reduce_state(const schema::Decision& decision, uint64_t number) {
  if (decision.outcome() != schema::Outcome::accepted) return;
  version_ = decision.version();
  if (decision.events() == nullptr) return;
  Reduction in = reduction(decision.command_nested_root()->actor()->string_view(),
                           decision.version(), number, decision.time());
  for (const schema::EventBox* box : *decision.events()) {
    auto event = static_cast<size_t>(box->event_type());
    CHECK(event < kEventKinds);  // a newer schema's record says so in its prefix: never read here
    kMembershipReductions[event](in, box->event());
    kUsageReductions[event](in, box->event());
    kBillingReductions[event](in, box->event());
  }
}

void DecisionReducer::finish() {
  if (version_ == 0) return;
  Reduction in = reduction("", version_, 0, 0);
  raise_version(in);
  version_ = 0;
}

void DecisionReducer::reduce_history(const schema::Decision& decision, uint64_t number) {
  Entities& entities = buffers_.entities;
  entities.assign(decision);
  std::vector<uint8_t>& entry = buffers_.history_entry;
  entry.clear();
  const auto append = [&](uint64_t value, int bytes) {
    for (int shift = 0; shift < bytes * 8; shift += 8) {
      entry.push_back(static_cast<uint8_t>(value >> shift));
    }
  };
  CHECK(entities.size() <= UINT16_MAX);
  append(number % kHistoryBlock, 2);
  append(entities.size(), 2);
  append(history_hash(decision.command_nested_root()->id()->string_view()), 4);
  for (const std::string& entity : entities) append(history_hash(entity), 4);
  rows_.append(Family::kHistory, keys_.history(number / kHistoryBlock), entry);
}

}  // namespace tenure
