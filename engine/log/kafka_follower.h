// Follows partitions of the log: one consumer, one thread, one mirror a partition. A process
// follows every partition that it may own, so a takeover is a claim and not a restore.
//
// Attaching to a partition compares the mirror's last record with Kafka's, which acknowledges
// before it syncs and may have lost what it once gave. Any method, any thread; the hooks run on the
// own thread and must not block.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/log/kafka_consumer.h"
#include "engine/log/kafka_mirror.h"

namespace tenure {

struct FollowerOptions {
  KafkaConnection connection;
  std::string topic;
  std::string cluster_id;
  uint32_t partitions;
  SegmentStoreOptions store;  // `directory` holds one directory a partition
  std::chrono::milliseconds patience;
  std::function<void(PartitionId)> on_mirrored;  // more can be read, or the mirror stopped
  std::function<void(PartitionId, const ClaimOwner&)> on_claim;  // before on_mirrored
};

class KafkaFollower {
 public:
  // `consumer` is of the topic. Starts the thread; follows nothing yet.
  KafkaFollower(FollowerOptions options, std::unique_ptr<KafkaConsumer> consumer);
  ~KafkaFollower();
  KafkaFollower(const KafkaFollower&) = delete;

  // Goes on from the mirror's end. A mirror that is not a part of what Kafka holds is made anew
  // when it is first followed, and is kCorrupt later, under readers. kCorrupt: the partition does
  // not begin at 0. kInvalid: no such partition. kUnavailable, kIo, kConflict (another process has
  // the mirror).
  Result<void> follow(PartitionId partition);
  // What was mirrored stays readable.
  void unfollow(PartitionId partition);

  // kInvalid: no such partition, or it was never followed. Lives as long as the follower.
  Result<KafkaMirror*> mirror(PartitionId partition) const;
  // How many decisions a mirror held that had to be made anew: so many were durable once.
  Number known_decisions(PartitionId partition) const;
  const KafkaConsumer& consumer() const { return *consumer_; }
  Result<void> check_partition(PartitionId partition) const;
  // What the partition holds. kCorrupt unless it begins at 0, as a log without expiry does. A new
  // leader may not know at once how far it is durable: waits, within patience, for `expected`.
  Result<KafkaConsumer::Extent> check_extent(PartitionId partition, Offset expected) const;

 private:
  struct Followed {
    std::atomic<KafkaMirror*> mirror = nullptr;
    std::unique_ptr<KafkaMirror> owned;
    std::atomic<uint64_t> known_decisions = 0;
    std::mutex mutex;        // of the mirror's writing side and of what follows
    bool following = false;  // false also behind an error
    bool touched = false;
    Stamp claim;           // the last that on_claim was told of
    bool started = false;  // the consumer reads it; under following_
  };

  Result<void> attach(PartitionId partition, Followed& followed, bool first);
  Result<void> open_mirror(PartitionId partition, Followed& followed);
  MirrorOptions mirror_options(PartitionId partition) const;
  Result<bool> is_of_kafka(PartitionId partition, const KafkaMirror& mirror);
  void take(const KafkaMessage& message);
  void flush(PartitionId partition, Followed& followed);
  template <class Write>
  Result<void> with_patience(Write write);
  void stop_mirror(PartitionId partition, Followed& followed, const Error& error);
  void run();

  const FollowerOptions options_;
  const std::unique_ptr<KafkaConsumer> consumer_;
  std::vector<Followed> followed_;
  std::mutex following_;  // one follow() or unfollow() at a time
  std::mutex ending_mutex_;
  std::condition_variable ends_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace tenure
