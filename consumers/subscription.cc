#include "consumers/subscription.h"

#include <algorithm>

#include "projections/queries/history_numbers.h"

namespace tenure {
namespace {

bool has_event_of(const schema::Decision& decision, const std::vector<schema::Event>& kinds) {
  if (decision.events() == nullptr) return false;
  return std::ranges::any_of(*decision.events(), [&](const schema::EventBox* box) {
    return std::ranges::find(kinds, box->event_type()) != kinds.end();
  });
}

// The time of a decision by the partition's clock, which a sandbox does not move; nothing where the
// log has none of that number.
Result<std::optional<Time>> time_of(DecisionLog& log, PartitionId partition, Number number) {
  auto reader = LogReader::at(log, partition, number);
  if (!reader && reader.error().kind == ErrorKind::kNotFound) return std::nullopt;
  if (!reader) return std::unexpected(reader.error());
  const auto decision = TRY((*reader)->next());
  if (!decision) return std::nullopt;
  const auto& root = *flatbuffers::GetRoot<schema::Decision>(decision->payload.data());
  return from_micros(root.recorded().value_or(root.time()));
}

// The first number whose decision is not there or not before `time`: found by doubling, then by
// halving.
Result<Number> first_not_before(DecisionLog& log, PartitionId partition, Time time) {
  const auto is_before = [&](uint64_t number) -> Result<bool> {
    const std::optional<Time> at = TRY(time_of(log, partition, Number{number}));
    return at && *at < time;
  };
  if (!TRY(is_before(0))) return Number{0};
  uint64_t before = 0, beyond = 1;
  while (TRY(is_before(beyond))) {
    before = beyond;
    beyond *= 2;
  }
  while (beyond - before > 1) {
    const uint64_t middle = before + (beyond - before) / 2;
    (TRY(is_before(middle)) ? before : beyond) = middle;
  }
  return Number{beyond};
}

}  // namespace

bool SubscriptionFilter::wants(const schema::Decision& decision) const {
  if (!org.empty() && decision.command_nested_root()->org()->string_view() != org) return false;
  if (!events.empty() && !has_event_of(decision, events)) return false;
  return entity.empty() || is_about(decision, entity);
}

Result<std::unique_ptr<LogSubscription>> LogSubscription::open(DecisionLog& log,
                                                               PartitionId partition, Number from,
                                                               SubscriptionFilter filter) {
  std::unique_ptr<LogReader> reader;
  if (from.value == 0) {
    reader = std::make_unique<LogReader>(TRY(log.read(partition, Offset{0})), ReaderPosition{});
  } else {
    // Behind the decision before it, which must be there.
    reader = TRY(LogReader::at(log, partition, Number{from.value - 1}));
    if (!TRY(reader->next())) {
      return fail(ErrorKind::kCorrupt, "the log ends before a decision that it named");
    }
  }
  return std::unique_ptr<LogSubscription>(
      new LogSubscription(partition, std::move(reader), std::move(filter)));
}

Result<std::optional<Delivery>> LogSubscription::next() {
  while (const std::optional<ValidDecision> record = TRY(reader_->next())) {
    const auto* decision = flatbuffers::GetRoot<schema::Decision>(record->payload.data());
    if (!filter_.wants(*decision)) continue;
    return Delivery{{partition_, record->number}, decision, record->payload};
  }
  return std::nullopt;
}

Result<Number> number_at(DecisionLog& log, PartitionId partition, Time time) {
  return first_not_before(log, partition, time);
}

Result<Number> number_at_end(DecisionLog& log, PartitionId partition) {
  return first_not_before(log, partition, Time::max());
}

}  // namespace tenure
