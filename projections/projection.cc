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
          .builder = buffers_.builder};
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
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  Entities& entities = buffers_.entities;
  entities.clear();
  entities.add(command.actor()->string_view(), "");
  if (decision.events() != nullptr) {
    for (const schema::EventBox* box : *decision.events()) {
      kHistoryEntities[static_cast<size_t>(box->event_type())](entities, box->event());
    }
  }
  uint64_t block = number / kHistoryBlock;
  uint64_t low = number % kHistoryBlock;
  const uint32_t hash = command_hash(command.id()->string_view());
  const uint8_t entry[] = {static_cast<uint8_t>(low),        static_cast<uint8_t>(low >> 8),
                           static_cast<uint8_t>(hash),       static_cast<uint8_t>(hash >> 8),
                           static_cast<uint8_t>(hash >> 16), static_cast<uint8_t>(hash >> 24)};
  static_assert(sizeof(entry) == history_entry_size(""));
  rows_.append(Family::kHistory, keys_.history("", block), entry);
  for (const std::string& entity : entities) {
    rows_.append(Family::kHistory, keys_.history(entity, block),
                 std::span(entry).first(history_entry_size(entity)));
  }
}

}  // namespace tenure
