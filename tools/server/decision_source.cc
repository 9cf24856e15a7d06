#include "tools/server/decision_source.h"

namespace tenure {
namespace {

// A cursor just before the decision, and the reader's rule as it stands there.
Result<std::unique_ptr<LogReader>> reader_at(DecisionLog& log, PartitionId partition,
                                             Number number) {
  Offset offset = TRY(log.find(partition, number));
  auto peek = TRY(log.read(partition, offset));
  auto record = TRY(peek->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before a decision that it named");
  ReaderPosition from{offset, number, record->prefix.stamp};
  return std::make_unique<LogReader>(TRY(log.read(partition, offset)), from);
}

}  // namespace

Result<void> read_numbered(DecisionLog& log, PartitionId partition,
                           std::span<const uint64_t> numbers, const VisitDecision& visit) {
  std::unique_ptr<LogReader> reader;
  for (uint64_t number : numbers) {
    // Neighbours are read on, others are looked up.
    if (reader == nullptr || reader->position().next_number != Number{number}) {
      reader = TRY(reader_at(log, partition, Number{number}));
    }
    auto decision = TRY(reader->next());
    if (!decision) return fail(ErrorKind::kCorrupt, "the log ends before a decision it named");
    if (!visit({partition, decision->number}, decision->payload)) return {};
  }
  return {};
}

Result<void> read_onward(DecisionLog& log, PartitionId partition, Number first,
                         const VisitDecision& visit) {
  auto reader = reader_at(log, partition, first);
  if (!reader && reader.error().kind == ErrorKind::kNotFound) return {};
  if (!reader) return std::unexpected(reader.error());
  while (auto decision = TRY((*reader)->next())) {
    if (!visit({partition, decision->number}, decision->payload)) return {};
  }
  return {};
}

}  // namespace tenure
