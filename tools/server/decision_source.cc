#include "tools/server/decision_source.h"

namespace tenure {

Result<void> read_numbered(DecisionLog& log, PartitionId partition,
                           std::span<const uint64_t> numbers, const VisitDecision& visit) {
  std::unique_ptr<LogReader> reader;
  for (uint64_t number : numbers) {
    // Neighbours are read on, others are looked up.
    if (reader == nullptr || reader->position().next_number != Number{number}) {
      reader = TRY(LogReader::at(log, partition, Number{number}));
    }
    auto decision = TRY(reader->next());
    if (!decision) return fail(ErrorKind::kCorrupt, "the log ends before a decision it named");
    if (!visit({partition, decision->number}, decision->payload)) return {};
  }
  return {};
}

}  // namespace tenure
