// What is left to do of an EraseSubject once its decision is durable: the key that its event names
// is destroyed. Doing it again changes nothing, so whoever does not know whether it was done does
// it: a start, a writer that takes a partition over, a restored backup. README.md says why.
#pragma once

#include <string_view>

#include "engine/log/decision_log.h"
#include "engine/personal/person_keys.h"
#include "schemas/decision_generated.h"

namespace tenure {

// Between an erasure's decision and its end tests kill a process at the fail points
// "erasure.before_key", "keys.before_rename", "keys.after_rename" and "erasure.after_key".

// Destroys the keys that events of the decision name, if any do. Errors as PersonKeys::destroy.
Result<void> carry_out_erasures(const schema::Decision& decision, PersonKeys& keys);

// The same for every decision of the partition that the keys are not known to have seen: from their
// mark to the log's durable end, where it then stands. From the log's beginning if the mark is of
// another log (a restored one has an id of its own), or lies beyond the end of this one: may take
// as long as the log is long. Errors as PersonKeys::destroy, and as the log's.
Result<void> carry_out_erasures(DecisionLog& log, std::string_view log_id, PartitionId partition,
                                PersonKeys& keys);

// The erasures of all decisions below `next` were carried out, as the caller knows.
Result<void> mark_erasures(std::string_view log_id, PartitionId partition, Number next,
                           PersonKeys& keys);

}  // namespace tenure
