// A subscription: what was decided, from a place in a partition's log on, for whoever builds
// something of their own from it.
//
// Decisions come in the order of the log, each once, void records and claims never (the reader's
// rule, engine/log/log_reader.h). What makes it exactly once over crashes is the caller's: store
// next_number() together with what was built from the decisions before it, and open again with
// `from` that number. Stored apart from it, after it: at least once. README.md has the rule for
// other languages.
//
// It stops at what it does not understand or what was lost (kUnsupported, kCorrupt: says where),
// and says the same again when asked again. One thread. The log must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "engine/log/log_reader.h"
#include "schemas/decision_generated.h"

namespace tenure {

// Which decisions are wanted: those that all of these hold for.
struct SubscriptionFilter {
  std::string org;     // empty: of all organizations
  std::string entity;  // about it: `space:web`, `user:bob` (projections/key_layout.h); empty: all
  std::vector<schema::Event> events;  // with one of these kinds; empty: all, rejected ones too

  bool wants(const schema::Decision& decision) const;
};

struct Delivery {
  Position position;
  const schema::Decision* decision;  // lives until the next call
  std::span<const std::byte> bytes;  // the same
};

class LogSubscription {
 public:
  // From the decision of this number on; it may be the next one, which is not there yet. kNotFound:
  // the log ends before, so it is not the log that the number is from.
  static Result<std::unique_ptr<LogSubscription>> open(DecisionLog& log, PartitionId partition,
                                                       Number from, SubscriptionFilter filter = {});

  // The next decision that is wanted; nothing at the durable end, where it goes on when asked
  // again.
  Result<std::optional<Delivery>> next();

  // Where to go on: after what next() gave, and what it passed over.
  Number next_number() const { return reader_->position().next_number; }

 private:
  LogSubscription(PartitionId partition, std::unique_ptr<LogReader> reader,
                  SubscriptionFilter filter)
      : partition_(partition), reader_(std::move(reader)), filter_(std::move(filter)) {}

  PartitionId partition_;
  std::unique_ptr<LogReader> reader_;
  SubscriptionFilter filter_;
};

// The first decision at or after `time`, or the one that is next if there is none. Looks at a few
// decisions only: time in a partition never goes back.
Result<Number> number_at(DecisionLog& log, PartitionId partition, Time time);

// The number that the next decision will have: where to subscribe for only what is new.
Result<Number> number_at_end(DecisionLog& log, PartitionId partition);

}  // namespace tenure
