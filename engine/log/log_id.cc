#include "engine/log/log_id.h"

#include "schemas/decision_generated.h"

namespace tenure {

Result<std::string> log_id_of(RecordCursor& from_the_start) {
  while (const auto record = TRY(from_the_start.next())) {
    if (record->status != RecordStatus::kOk) continue;  // somebody else's
    if (record->prefix.kind != RecordKind::kClaim) break;
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(record->payload.data()),
                                   record->payload.size());
    if (!verifier.VerifyBuffer<schema::Claim>(nullptr)) break;
    return flatbuffers::GetRoot<schema::Claim>(record->payload.data())->log_id()->str();
  }
  return std::string();
}

Result<std::string> log_id_of(DecisionLog& log, PartitionId partition) {
  return log_id_of(*TRY(log.read(partition, Offset{0})));
}

}  // namespace tenure
