// Copies a log in files, beside whoever writes it: for backups, and back from them.
//
// Record for record as they lie there, each verified on the way and judged by the reader's rule, so
// what arrives is a verified prefix of the log. A copy that exists is gone on with.
#pragma once

#include <functional>
#include <string>

#include "engine/log/segment_format.h"

namespace tenure {

// A backup keeps the log's id, so that a later one can go on; what is restored goes its own way
// from there, under an id of its own.
enum class CopyIdentity : uint8_t { kSame, kNew };

struct LogCopy {
  std::string log_id;
  uint64_t decisions = 0, records = 0;  // in all
  uint64_t new_records = 0;             // of this time
};

// Durable when it returns. `progress` is told now and then how many records the copy has, and of
// how many. kNotFound: there is no log. kConflict: somebody has the copy open. kInvalid: it is of
// another log, or goes on where this one does not. kCorrupt: damage, with segment and byte: what
// lies before it is in the copy. kUnavailable: the disk is full. kUnsupported, kIo.
using CopyProgress = std::function<void(uint64_t done, uint64_t all)>;
Result<LogCopy> copy_log(FileSystem& files, const std::string& from, const std::string& to,
                         CopyIdentity identity, const CopyProgress& progress = {});

}  // namespace tenure
