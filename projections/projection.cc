#include "projections/projection.h"

#include "engine/base/check.h"

namespace tenure {

void DecisionReducer::reduce_state(const schema::Decision& decision, uint64_t number) {
  if (decision.outcome() != schema::Outcome::accepted) return;
  std::string_view org = decision.command_nested_root()->org()->string_view();
  keys_.set_org(org);
  Reduction reduction{.org = org,
                      .number = number,
                      .version = decision.version(),
                      .time = decision.time(),
                      .rows = rows_,
                      .keys = keys_,
                      .builder = builder_};
  if (decision.events() != nullptr) {
    for (const schema::EventBox* box : *decision.events()) {
      auto event = static_cast<size_t>(box->event_type());
      CHECK(event < kEventKinds);  // a newer schema's record says so in its prefix: never read here
      kMembershipReductions[event](reduction, box->event());
      kUsageReductions[event](reduction, box->event());
      kBillingReductions[event](reduction, box->event());
    }
  }
  raise_version(reduction);
}

void DecisionReducer::reduce_history(const schema::Decision& decision, uint64_t number) {
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  entities_.clear();
  entities_.add(command.actor()->string_view(), "");
  if (decision.events() != nullptr) {
    for (const schema::EventBox* box : *decision.events()) {
      kHistoryEntities[static_cast<size_t>(box->event_type())](entities_, box->event());
    }
  }
  keys_.set_org(command.org()->string_view());
  uint64_t block = number / kHistoryBlock;
  uint64_t low = number % kHistoryBlock;
  const uint8_t chunk[] = {static_cast<uint8_t>(low), static_cast<uint8_t>(low >> 8)};
  rows_.append(Family::kHistory, keys_.history("", block), chunk);
  for (const std::string& entity : entities_) {
    rows_.append(Family::kHistory, keys_.history(entity, block), chunk);
  }
}

}  // namespace tenure
