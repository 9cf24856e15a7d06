#include "engine/log/log_id.h"

#include "schemas/decision_generated.h"

namespace tenure {

namespace {

// What the first record claims; null if it is none of ours. Lives until the cursor's next call.
Result<const schema::Claim*> first_claim(RecordCursor& from_the_start) {
  while (const auto record = TRY(from_the_start.next())) {
    if (record->status != RecordStatus::kOk) continue;  // somebody else's
    if (record->prefix.kind != RecordKind::kClaim) break;
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(record->payload.data()),
                                   record->payload.size());
    if (!verifier.VerifyBuffer<schema::Claim>(nullptr)) break;
    return flatbuffers::GetRoot<schema::Claim>(record->payload.data());
  }
  return nullptr;
}

}  // namespace

Result<std::string> log_id_of(RecordCursor& from_the_start) {
  const auto* claim = TRY(first_claim(from_the_start));
  return claim == nullptr ? std::string() : claim->log_id()->str();
}

Result<std::optional<uint32_t>> partitions_of_log(RecordCursor& from_the_start) {
  const auto* claim = TRY(first_claim(from_the_start));
  return claim == nullptr ? std::nullopt : std::optional(claim->partitions());
}

Result<std::string> DecisionLog::log_id(PartitionId partition) {
  return log_id_of(*TRY(read(partition, Offset{0})));
}

}  // namespace tenure
