// The decision log: one interface, three implementations (segment files, Kafka, memory), one
// contract suite (tests/log/decision_log_contract.h), one reader's rule (log_reader.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/log/record.h"

namespace tenure {

// What a claim says of its writer; the implementation adds what it knows of itself (log id,
// partitions, hash).
struct Writer {
  std::string process;  // for people: host and pid
  std::string address;  // where to reach it; may be empty
  std::string build;    // for people: of what it decides by; equal where that is the same
  int64_t time_us = 0;
};

// The right to append to a partition. Numbers begin where the last valid decision before the claim
// ended.
struct Session {
  Stamp stamp;
  Number next;       // the number of the session's first decision
  uint64_t tag = 0;  // of the claim
};

// Records of consecutive numbers, encoded by append_record under one session's stamp.
struct Batch {
  Number first;
  uint32_t count = 0;
  AlignedBytes bytes;
};

// One record as it lies in the log. `payload` lives until the cursor's next call.
struct RawRecord {
  Offset offset;
  RecordPrefix prefix;
  RecordStatus status =
      RecordStatus::kOk;  // else there may be no prefix; ReaderRule says what then
  std::span<const std::byte> payload;
};

// Walks one partition in order, durable records only. One thread at a time; independent of other
// cursors.
class RecordCursor {
 public:
  virtual ~RecordCursor() = default;
  // The next record; nothing at the durable end (call again later: it goes on from there).
  // kCorrupt, kUnsupported: says where; the cursor stays there.
  virtual Result<std::optional<RawRecord>> next() = 0;
};

class DecisionLog {
 public:
  virtual ~DecisionLog() = default;

  // Claims the partition: appends a claim, reads through it. kCorrupt, kIo, kUnavailable.
  virtual Result<Session> open_writer(PartitionId partition, const Writer& writer) = 0;

  // Hands over the next batch of the open session, in order; waits for nothing but, where the log
  // is told to, one small write of its own. `done` is called exactly once, in order, from the log's
  // own thread, from this call, or from pump() where there is no thread: success only when every
  // record is durable. After one failure all later batches of the session fail too, and nothing of
  // them may be answered.
  using Done = std::function<void(Result<void>)>;
  virtual void append(PartitionId partition, Batch batch, Done done) = 0;

  // Refusing new work for now (no next segment, disk nearly full)? Then why; cheap, any thread.
  virtual std::optional<std::string> refusal() const { return std::nullopt; }

  virtual Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) = 0;
  // Where the decision of this number lies; void records of the same number are passed over.
  // kNotFound beyond the end.
  virtual Result<Offset> find(PartitionId partition, Number number) = 0;
  // One past the last durable record. Any thread.
  virtual Offset durable_end(PartitionId partition) const = 0;
  // Which log the partition is of: what its first claim says, and empty before that. A log in files
  // knows it by itself: one that was restored is another than the one whose claims it holds.
  virtual Result<std::string> log_id(PartitionId partition);
};

}  // namespace tenure
