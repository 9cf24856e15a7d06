// Verifies a partition of a log against the signed heads of it: with the records' own bytes, the
// heads and the keys that one trusts, and nothing else. What it finds is said in one line each, for
// people.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "consumers/notary/checkpoint.h"
#include "consumers/notary/merkle_tree.h"
#include "engine/log/log_reader.h"

namespace tenure {

// A head, and where it comes from, as findings name it: "the head of size 41 of 2026-11-28...".
std::string describe(const TreeHead& head);

// Heads of one partition that can be believed, by size; what is wrong with the others.
struct BelievedHeads {
  std::vector<SignedHead> heads;
  std::vector<std::string> findings;
};
// Finds heads of another log, by a key that is not trusted, with a signature that does not hold,
// and two of one size that differ: a fork.
BelievedHeads believe(std::vector<SignedHead> heads, const std::string& origin,
                      const std::vector<VerifierKey>& keys);

struct LogVerification {
  uint64_t begin = 0, end = 0;  // decisions that were read
  uint64_t bytes = 0;           // of their payloads
  uint64_t void_records = 0;
  std::vector<TreeHead> met{};  // heads that the log agrees with, by size
  std::vector<std::string> findings{};
  Hash root{};  // of the decisions up to `end`
};

// Reads on from `position`, with `before` the tree of the decisions before it, to the end, and
// holds what it finds against the heads of at least that size. kIo, kUnavailable: it cannot be read
// now; damage (kCorrupt, kUnsupported) is a finding. `progress` is told of decisions now and then.
Result<LogVerification> verify_log(std::unique_ptr<RecordCursor> cursor, ReaderPosition position,
                                   Frontier before, const std::vector<SignedHead>& heads,
                                   const std::function<void(uint64_t)>& progress = {});

// The decisions begin up to end alone: with `nodes` for the rest of the tree of `head`, which are
// not trusted. `cursor` stands at the first of them. As above.
Result<LogVerification> verify_range(std::unique_ptr<RecordCursor> cursor, ReaderPosition position,
                                     uint64_t end, const NodeSource& nodes, const SignedHead& head);

}  // namespace tenure
