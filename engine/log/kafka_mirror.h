// The mirror of one Kafka partition in segment files: every record at its own offset, claims, void
// and foreign ones too. It is what a process reads the log by, so history, as-of, projectors and
// recovery are one code on both logs (segment_reader.h).
//
// Kafka is the authority: batches are not synced one by one, a torn tail is cut and fetched again,
// and a mirror whose last record is not Kafka's is rebuilt. Records are judged as they come, by the
// reader's rule and the claims' book: where those stop, the mirror stops, and says so from then on.
//
// One thread writes (take, flush). reader(), state(), known_end() and the waiting are for any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "engine/log/kafka_claim.h"
#include "engine/log/segment_store.h"

namespace tenure {

struct MirrorOptions {
  SegmentStoreOptions store;
  ClaimingLog log;                             // what its claims must name; without a log id
  std::chrono::milliseconds patience{30'000};  // of readers, while nothing moves
};

class KafkaMirror {
 public:
  // Opens or makes the directory. Damage is no error: the mirror is then made anew.
  // `rebuilt`: why the one before it was removed, if one was.
  static Result<std::unique_ptr<KafkaMirror>> open(MirrorOptions options, std::string rebuilt = {});
  // Deletes all files of a mirror that nobody has open.
  static Result<void> remove(const SegmentStoreOptions& store);

  // The last record as Kafka has it; nothing of an empty mirror.
  Result<std::optional<std::vector<std::byte>>> last_value() const;

  // The next record of the partition; kept in memory until flush(), or until enough is together.
  // An error (kCorrupt, kUnsupported, kInvalid: of the log; kIo: of the disk) stops the mirror:
  // readers get it at the end. kUnavailable: the disk is nearly full; flush() again later.
  Result<void> take(Offset offset, std::span<const std::byte> value);
  Result<void> flush();
  void stop(const Error& error);

  struct State {
    LogMark end;                      // readers can read up to here
    std::optional<ClaimOwner> owner;  // the last claim before it
    std::string log_id;               // of the partition; empty before its first claim
    std::optional<Error> stopped;
  };
  State state() const;
  Offset next_offset() const { return rule_.position().next_offset; }  // of the writing thread
  const std::string& rebuilt() const { return rebuilt_; }  // why it was made anew, if it was

  // Records below `end` exist in Kafka: a reader that comes to the mirror's end before it waits.
  void know(Offset end);
  Offset mirrored_end() const { return store_->reader().durable_end(); }
  Offset known_end() const { return {known_end_.load(std::memory_order_acquire)}; }

  // Until the records below `end` can be read. The error that stopped the mirror, if it did before;
  // kUnavailable if nothing came for as long as readers have patience.
  Result<void> wait_for(Offset end) const;

  Result<std::unique_ptr<RecordCursor>> read(Offset from) const;
  Result<Offset> find(Number number) const;
  std::optional<std::string> refusal() const { return store_->preparer().refusal(); }

 private:
  class Cursor;
  KafkaMirror(MirrorOptions options, std::unique_ptr<SegmentStore> store);
  Result<void> read_claims();
  Result<void> read_claim(RawRecord claim);
  Result<std::optional<uint64_t>> tag_of_claim(Offset offset) const;
  Result<void> make_room(size_t bytes);

  const MirrorOptions options_;
  const std::unique_ptr<SegmentStore> store_;
  std::string rebuilt_;

  ReaderRule rule_;  // behind the last record taken
  ClaimBook book_;
  AlignedBytes batch_;
  uint32_t batch_count_ = 0;
  LogMark batch_end_;
  std::atomic<uint64_t> known_end_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable moved_;
  State state_;
};

}  // namespace tenure
