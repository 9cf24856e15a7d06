// What became of a command, as its sender is told.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "engine/base/ids.h"

namespace tenure {

struct Answer {
  enum class Kind : uint8_t {
    kDecided,              // a new decision, durable
    kDuplicate,            // decided before: the original decision, durable
    kIdempotencyMismatch,  // the id was used for another payload; nothing was recorded
    kUnavailable,          // not now (503): nothing was recorded, or, if the log failed, unknown:
                           // retry with the same id
  };
  Kind kind;
  Position position;                    // of the decision; unless kUnavailable
  std::span<const std::byte> decision;  // a schema::Decision; unless kUnavailable. Valid during the
                                        // call of the reply only
  std::string message;                  // for kIdempotencyMismatch and kUnavailable: what to do
};
using Reply = std::function<void(const Answer&)>;

// The answer that shows a decision.
inline Answer answer_with(Answer::Kind kind, Position position,
                          std::span<const std::byte> decision) {
  const bool mismatch = kind == Answer::Kind::kIdempotencyMismatch;
  return {
      kind, position, decision,
      mismatch ? "this id was used for another command; give every command an id of its own" : ""};
}
inline Answer unavailable(std::string message) {
  return {Answer::Kind::kUnavailable, {}, {}, std::move(message)};
}

}  // namespace tenure
