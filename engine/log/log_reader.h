// The reader's rule: which records of a partition are the history. The only implementation of it;
// used by the engine, by projectors and by every consumer.
//
//   1. A claim affects only records after it; it becomes the current stamp.
//   2. A decision is valid if its stamp is the current one and its number is the last valid one's +
//   1; else it is void.
//   3. `acked` above what was seen valid, or a stamp above any claim seen: something was lost.
//   Stop, say where.
//   4. Without our magic: void. With it, and an unknown format, a bad CRC or a higher min_reader:
//   stop.
#pragma once

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
  ReaderRule() = default;
  explicit ReaderRule(ReaderPosition from) : position_(from) {}

  // Judges the next record of the partition. Error: kCorrupt (something was lost), kUnsupported.
  Result<Validity> judge(const RawRecord& record);

  const ReaderPosition& position() const { return position_; }
  uint64_t void_records() const { return void_records_; }

 private:
  ReaderPosition position_;
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

  // The next valid decision; nothing at the durable end.
  Result<std::optional<ValidDecision>> next();
  const ReaderPosition& position() const { return rule_.position(); }
  uint64_t void_records() const { return rule_.void_records(); }

 private:
  std::unique_ptr<RecordCursor> cursor_;
  ReaderRule rule_;
};

}  // namespace tenure
