// One partition of a host, its state store, and whether this process owns it.
//
//   following --assigned--> claiming --> writing --revoked--> letting go --> following
//        ^                      |            |
//        +--- back-off <-- dead +------------+     (a doubt, a lost claim: partition.h)
//
// On a log of one process it is opened writing and stays so. On Kafka the group assigns partitions;
// a claim is made only while the assignment is known to hold, and again only after a poll that
// ended since the last doubt, with a back-off of 50 ms to 5 s (LOG, "Writer").
//
// Engine thread only. It never sleeps; wakes_at() says when step() must be called at the latest.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "engine/partition/partition.h"

namespace tenure {

class OwnedPartition {
 public:
  // What all partitions of a host share.
  struct Surroundings {
    DecisionLog& log;
    const Rulebooks& rulebooks;
    const Catalog& catalog;
    PartitionHost host;
    Writer writer;
    std::function<uint64_t()> polls;                            // that have ended
    std::function<bool(PartitionId, uint64_t)> assigned_since;  // one has ended since, still ours
    // It is the writer now; commands below `settled` are dealt with.
    std::function<void(PartitionId, uint64_t settled, std::chrono::milliseconds took)> on_writer;
    std::function<void(PartitionId, const Error&)> on_doubt;
  };

  // Claims at once (a log of one process), or follows.
  static Result<std::unique_ptr<OwnedPartition>> open_writing(const Surroundings& around,
                                                              std::unique_ptr<StateStore> store,
                                                              PartitionOptions options, Time now);
  static Result<std::unique_ptr<OwnedPartition>> open_following(const Surroundings& around,
                                                                std::unique_ptr<StateStore> store,
                                                                PartitionOptions options, Time now);

  PartitionId id() const { return options_.id; }
  Partition& partition() { return *partition_; }
  const Partition& partition() const { return *partition_; }

  // The group gave it to this process, or took it back: `let_go` is called once the session has
  // ended and all its decisions are durable or void.
  void assign();
  void revoke(std::function<void()> let_go);

  // False if there was nothing to do. An error ends the process: the log is damaged, or its disk
  // failed.
  Result<bool> step(Time now);
  std::optional<Time> wakes_at(Time now) const;

 private:
  OwnedPartition(const Surroundings& around, std::unique_ptr<StateStore> store,
                 PartitionOptions options)
      : around_(around), store_(std::move(store)), options_(options) {}

  Result<bool> revive(Time now, const Error& why);
  void claim_if_due(Time now);
  void let_go();
  bool one_process() const { return !around_.polls; }

  const Surroundings& around_;
  std::unique_ptr<StateStore> store_;
  const PartitionOptions options_;
  std::unique_ptr<Partition> partition_;

  bool assigned_ = false;
  bool claiming_ = false, writing_ = false;  // as last seen
  bool doubted_ = false;                     // the partition is dead and on_doubt was told
  Time assigned_at_{}, claim_at_{}, writer_since_{};
  uint64_t polls_at_doubt_ = 0;
  std::chrono::milliseconds backoff_{0};
  std::minstd_rand random_{std::random_device{}()};
  std::function<void()> let_go_;
};

}  // namespace tenure
