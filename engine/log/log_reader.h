// The reader's rule: which records of a partition are the history. The only implementation of it;
// used by the engine, by projectors and by every consumer.
//
//   1. A claim affects only records after it; it becomes the current stamp.
//   2. A decision is valid if its stamp is the current one and its number is the last valid one's +
//   1; else it is void.
//   3. `acked` above what was seen valid, a stamp above any claim seen, or one of an offset where
//   another claim stands or none (its tag tells): something was lost. Stop, say where.
//   4. Without our magic: void. With it, and an unknown format, a bad CRC or a higher min_reader:
//   stop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "engine/log/decision_log.h"

namespace tenure {

// Where a reader stands; enough to go on from in another process. Stored with whatever was built
// from the log.
struct ReaderPosition {
  Offset next_offset;
  Number next_number;
  Stamp stamp;
};

enum class Validity : uint8_t { kValid, kVoid, kClaim };

// Rules 1-4 on prefixes alone, for whoever brings the records. One thread.
class ReaderRule {
 public:
  // The tag of the claim at an offset, nothing if none is there.
  using FindClaim = std::function<Result<std::optional<uint64_t>>(Offset)>;

  ReaderRule() = default;
  // `find_claim` is asked for claims before `from`, once each; without it those are taken on trust
  // (the mirror of a log over Kafka has asked).
  explicit ReaderRule(ReaderPosition from, FindClaim find_claim = {})
      : position_(from), begin_(from.next_offset), find_claim_(std::move(find_claim)) {}

  // Judges the next record of the partition. Error: kCorrupt (something was lost), kUnsupported.
  Result<Validity> judge(const RawRecord& record);

  const ReaderPosition& position() const { return position_; }
  uint64_t void_records() const { return void_records_; }

 private:
  Result<void> check_claim(const RawRecord& decision);

  ReaderPosition position_;
  Offset begin_;
  FindClaim find_claim_;
  std::map<Offset, std::optional<uint64_t>> claims_;  // their tags, as far as they are known
  uint64_t void_records_ = 0;
};

struct ValidDecision {
  Number number;
  Offset offset;
  RecordPrefix prefix;
  std::span<const std::byte> payload;  // a schema::Decision; lives until the next call
};

// A cursor seen through the rule.
class LogReader {
 public:
  LogReader(std::unique_ptr<RecordCursor> cursor, ReaderPosition from)
      : cursor_(std::move(cursor)), rule_(from) {}

  // Just before the decision of this number. kNotFound: the log ends before.
  static Result<std::unique_ptr<LogReader>> at(DecisionLog& log, PartitionId partition,
                                               Number number);

  // The next valid decision; nothing at the durable end.
  Result<std::optional<ValidDecision>> next();
  const ReaderPosition& position() const { return rule_.position(); }
  uint64_t void_records() const { return rule_.void_records(); }

 private:
  std::unique_ptr<RecordCursor> cursor_;
  ReaderRule rule_;
};

}  // namespace tenure
