#include "consumers/audit/decision_bytes.h"

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr size_t kMaxExpandedSize = 32u << 20;
constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxTables = 100'000;

}  // namespace

Result<const schema::Decision*> verify_decision(std::span<const std::byte> bytes) {
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                                 kMaxDepth, kMaxTables);
  if (!schema::VerifyDecisionBuffer(verifier)) {
    return fail(ErrorKind::kInvalid, "not a valid Decision");
  }
  const schema::Decision* const decision = schema::GetDecision(bytes.data());
  if (reinterpret_cast<uintptr_t>(decision->command()->data()) % 8 != 0) {
    return fail(ErrorKind::kInvalid, "the command in it is not aligned");
  }
  TRY(check_contents(decision_schema(), decision, kMaxExpandedSize));
  TRY(check_contents(command_schema(), decision->command_nested_root(), kMaxExpandedSize));
  if (decision->outcome() > schema::Outcome::MAX) {
    return fail(ErrorKind::kInvalid, "an outcome that this build does not know");
  }
  if (decision->outcome() == schema::Outcome::rejected && decision->rejection() == nullptr) {
    return fail(ErrorKind::kInvalid, "rejected without a rejection");
  }
  return decision;
}

}  // namespace tenure
