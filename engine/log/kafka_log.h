// The decision log over Kafka: one topic, a partition of it for each of the log's. Any number of
// processes share it; who may write a partition is settled by claims in the partition itself (the
// reader's rule), not by locks or transactions.
//
//   append --> KafkaSession --> KafkaProducer --> broker --> done, once acknowledged where expected
//   broker --> KafkaFollower --> KafkaMirror (segment files) --> read, find
//
// Durable and readable: a batch is durable, and its `done` called, when Kafka has acknowledged it
// at its expected offsets. The mirror comes a little later. durable_end() counts what is
// acknowledged; whoever reads up to there waits for the mirror where it lags (read, find and the
// cursors; kUnavailable when nothing moves for `patience`). So whatever was answered can be read,
// and answers never wait for the mirror.
//
// Threads: every method from any thread, append() of one partition from one at a time. `done` is
// called on the producer's thread, in order; it must not block nor claim.
//
// Ends of a session (session_end): another claim, a doubt, a fatal error of the producer. The
// partition may then be claimed again; how soon is the owner's policy (it should have made sure
// that the partition is still its own). What was queued under the ended session is not taken back:
// it lands before the new claim and is void, or never.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/log/decision_log.h"
#include "engine/log/kafka_follower.h"
#include "engine/log/kafka_session.h"

namespace tenure {

struct KafkaLogOptions {
  KafkaConnection connection;
  std::string topic = "tenure.log";
  uint32_t partitions = 16;  // as the topic has; fixed when it was made
  // The partitions that this process may come to own or is to read; more by follow().
  std::vector<PartitionId> follow;
  SegmentStoreOptions mirror;                  // `directory` holds a directory for each partition
  std::chrono::milliseconds patience{30'000};  // of claims and readers, while nothing moves
  // On the follower's thread, must not block: more of a partition can be read, or its mirror or
  // this process's session there has ended.
  std::function<void(PartitionId)> on_change;
  // The same: a claim was read, of this process or another.
  std::function<void(PartitionId)> on_claim = {};
};

// For `tenure status`, for forwarding, and for whoever decides when to claim.
struct KafkaPartitionStatus {
  LogMark mirrored;                 // can be read at once
  Offset durable_end;               // acknowledged or known to Kafka
  std::string log_id;               // empty before the first claim
  std::optional<ClaimOwner> owner;  // of the last claim seen: who to forward to
  std::optional<Error> stopped;     // why the mirror goes no further
  std::string rebuilt;              // why the mirror was made anew at the start
};

class KafkaLog final : public DecisionLog {
 public:
  // Looks at the topic, attaches to the followed partitions. kNotFound: no such topic; kInvalid:
  // another number of partitions, rights; kCorrupt: a partition does not begin at 0; kUnavailable:
  // no broker answers; kConflict: another process has the mirror; kIo.
  static Result<std::unique_ptr<KafkaLog>> open(KafkaLogOptions options);

  // Drops what is queued without calling anyone. close() first.
  ~KafkaLog() override;

  // Ends the session before, if there is one. kConflict: somebody else claimed at the same time.
  // kCorrupt: decisions that were durable once are not there any more. kInvalid: the topic or its
  // claims are not this log's. kUnavailable: not acknowledged in time; the claim may still come.
  Result<Session> open_writer(PartitionId partition, const Writer& writer) override;
  // After a doubt every batch fails with kConflict.
  void append(PartitionId partition, Batch batch, Done done) override;
  std::optional<std::string> refusal() const override;  // the mirrors' disk

  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override;
  Result<Offset> find(PartitionId partition, Number number) override;
  Offset durable_end(PartitionId partition) const override;

  // The follow set: KafkaFollower.
  Result<void> follow(PartitionId partition) { return follower_->follow(partition); }
  void unfollow(PartitionId partition) { follower_->unfollow(partition); }

  // kInvalid if the partition was never followed.
  Result<KafkaPartitionStatus> status(PartitionId partition) const;
  // Why this process's last session there ended; nothing while it goes on, or if there was none.
  std::optional<Error> session_end(PartitionId partition) const;
  const std::string& cluster_id() const { return cluster_id_; }

  // Waits for what is in flight as long as `patience`; then it fails with kUnavailable. Ends the
  // producer; reading goes on, appending does not.
  Result<void> close();

 private:
  struct Claim;
  KafkaLog(KafkaLogOptions options, std::string cluster_id,
           std::unique_ptr<KafkaConsumer> consumer);

  Result<void> check_topic() const;
  Result<KafkaMirror*> catch_up(PartitionId partition);
  struct Landed {  // a claim
    Offset at;
    uint64_t tag;
  };
  Result<Landed> write_claim(PartitionId partition, const Writer& writer,
                             const KafkaMirror::State& at);
  Result<Session> begin_session(PartitionId partition, KafkaMirror& mirror, Landed claim);

  Result<std::shared_ptr<KafkaProducer>> producer();
  std::shared_ptr<KafkaSession> session(PartitionId partition) const;
  void end_session(PartitionId partition, Error why);
  void on_claim(PartitionId partition, const ClaimOwner& owner);
  void on_acknowledged(PartitionId partition, ReaderPosition end);
  void on_fatal(const Error& error);
  bool deliver();

  const KafkaLogOptions options_;
  const std::string cluster_id_;

  std::mutex claiming_;  // one claim at a time
  mutable std::mutex mutex_;
  struct Written {
    std::shared_ptr<KafkaSession> session;  // the latest
    Number acknowledged;                    // decisions of this process that are durable
  };
  std::vector<Written> written_;
  std::vector<std::shared_ptr<KafkaSession>> delivering_;  // the latest, and older ones in flight
  std::shared_ptr<KafkaProducer> producer_;
  // Last: its hooks use all of the above.
  std::unique_ptr<KafkaFollower> follower_;
};

}  // namespace tenure
