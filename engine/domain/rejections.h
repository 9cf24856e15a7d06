// Rejections: why a command was refused, as a value. Identity (the code, its permanent number) is
// apart from kind (which HTTP status a client sees); both are written here once.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "schemas/decision_generated.h"

namespace tenure {

using schema::RejectionCode;

struct Rejection {
  RejectionCode code;
  std::string message;  // one line that says what to do
  std::string rule;     // what refused: "space@1 MANAGER assigns MANAGER, EVALUATOR"
};

// What a guard says: nothing to object, or the rejection. Guards are chained with TRY.
using Verdict = Expected<void, Rejection>;

inline std::unexpected<Rejection> reject(RejectionCode code, std::string message,
                                         std::string rule) {
  return std::unexpected(Rejection{code, std::move(message), std::move(rule)});
}

// The HTTP status of a rejection, as COMMANDS lists it.
int http_status(RejectionCode code);

}  // namespace tenure
