// Decisions as bytes from whoever hands over evidence: shape and expanded size are checked here,
// once, before anything reads them. A log's own readers do without: its records have checksums, and
// say which build can read them.
#pragma once

#include <cstddef>
#include <span>

#include "engine/base/result.h"
#include "schemas/decision_generated.h"

namespace tenure {

// The decision in `bytes`, which must be 8-byte aligned and outlive it: Verifier (depth 16, 100,000
// tables), the command in it too, then every string UTF-8 and the expanded size, each reference
// counted, at most 32 MiB. Whatever it holds is of a kind that this build knows, and a rejected one
// has its rejection: it can be written as JSON. kInvalid: what is wrong, one line.
Result<const schema::Decision*> verify_decision(std::span<const std::byte> bytes);

}  // namespace tenure
