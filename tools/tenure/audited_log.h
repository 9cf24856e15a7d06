// A log as an auditor finds it: the records and the signed heads of each partition, of a data
// directory that may be in use, or of the topics in Kafka. Nothing is locked or changed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "consumers/notary/checkpoint.h"
#include "consumers/notary/tree_file.h"
#include "tools/tenure/log_source.h"

namespace tenure {

struct AuditedLog {
  std::unique_ptr<LogSource> records;
  std::string notary_directory;                // empty: of Kafka's topics
  std::vector<std::string> origins;            // by partition; empty before the first claim
  std::vector<std::vector<SignedHead>> heads;  // by partition, as they were found
  std::vector<std::string> strays;             // what is signed of partitions that the log has not

  // The nodes of the partition's tree. kNotFound: it has none.
  Result<TreeFile> tree(PartitionId partition) const;
};

// Whether the head's origin ends with that partition, whichever log it is of.
bool names_partition(const TreeHead& head, PartitionId partition);

// What LogSource says; kInvalid: heads that are none, with the file.
Result<AuditedLog> open_audited_log(const LogFlags& flags);

// The keys of a file; without one, of the key beside the log. kInvalid: no file was named, and
// there is no key beside the log.
Result<std::vector<VerifierKey>> trusted_keys(const std::string& file, const AuditedLog& log);

// kNotFound, kIo.
Result<std::string> read_text_file(const std::string& path);

}  // namespace tenure
