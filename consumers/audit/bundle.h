// Evidence of what was decided in one organization, for somebody who trusts nobody but a key: files
// that a person can read and one command verifies, on a machine that has nothing else.
//
//   index.html          a page for people
//   decisions.ndjson    the decisions as the API shows them, a line each, reasons unsealed where
//   the
//                       key still exists
//   records.ndjson      {"position","payload","proof"} a line each: the record's bytes as they lie
//   in
//                       the log, base64, and the inclusion proof (RFC 9162)
//   checkpoint          the signed head that covers them (consumers/notary/checkpoint.h)
//   rulebooks/NAME.json the rulebooks that were in force
//   manifest.json       what this is, what is missing, and the SHA-256 of each file above
//   manifest.sig        a signed note: the manifest's SHA-256, by the notary's key
//
// As a directory, or as one tar file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consumers/audit/tar.h"
#include "consumers/notary/checkpoint.h"
#include "consumers/notary/merkle_tree.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/json/json_edge.h"

namespace tenure {

inline constexpr std::string_view kEvidenceFormat = "tenure-evidence-1";

struct EvidenceRecord {
  Number number;
  std::vector<uint64_t> payload;  // aligned as a FlatBuffer wants it
  size_t size = 0;
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(payload)).first(size); }
};

struct EvidenceSource {
  std::string org;
  PartitionId partition;
  std::string from, to;  // of the range, as it was asked for; may be empty
  std::vector<EvidenceRecord> records;
  uint64_t void_records = 0;                     // of the partition, up to the head
  uint64_t unsigned_decisions = 0;               // of the range, behind the head: left out
  std::map<std::string, std::string> rulebooks;  // texts by pinned name
  Time made;
};

// What manifest.sig signs.
std::string manifest_text(std::string_view manifest);

// `nodes`: of the tree of `head`. Errors: as reading them does.
Result<NamedFiles> make_bundle(const EvidenceSource& source, const SignedHead& head,
                               const NodeSource& nodes, const SigningKey& key,
                               const Unsealer* unsealer);

struct BundleVerification {
  std::string org, origin;
  uint64_t decisions = 0;
  std::optional<TreeHead> head;
  std::vector<std::string> findings;  // a line each; empty: all holds
};
BundleVerification verify_bundle(const NamedFiles& files, const std::vector<VerifierKey>& keys);

}  // namespace tenure
