#include "projections/queries/log_decision.h"

namespace tenure {

Result<LogDecision> read_decision(DecisionLog& log, PartitionId partition, uint64_t number) {
  Offset offset = TRY(log.find(partition, Number{number}));
  auto cursor = TRY(log.read(partition, offset));
  std::optional<RawRecord> record = TRY(cursor->next());
  if (!record || record->prefix.kind != RecordKind::kDecision ||
      record->prefix.number.value != number) {
    return fail(ErrorKind::kCorrupt, "the log has no decision " +
                                         format_position({partition, Number{number}}) +
                                         " where it should be; run tenure doctor");
  }
  return LogDecision{std::move(cursor), record->payload};
}

}  // namespace tenure
