// Commands from Kafka: the commands topic --> the engine --> the results topic.
//
//   commands --> own thread: poll, parse, submit --> engine --> Reply, any thread
//                                                                  \--> publisher's thread -->
//                                                                  results
//
// A process is a member of the engine's group; the group gives it partitions. None is fetched
// before its owner has claimed it in the log and says start(). Everything is at least once and
// absorbed by command ids: the group's offset of a partition is the lowest message that is not
// settled, that is decided with its result (if one was wanted) acknowledged, or acknowledged in the
// partition that it belongs to. What is no command is decided as malformed (kafka_command.h), and
// settled once it is in the quarantine too. A message whose answer is kUnavailable is not
// settled: while the partition stays here it is read again, with all behind it, after a back-off of
// 50 ms to 5 s; else by the next owner.
//
// Hooks are called on the intake's own thread, on_error on others too; they must not call close().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/json/json_edge.h"
#include "engine/log/kafka_connection.h"
#include "engine/partition/answer.h"
#include "engine/partition/command_bytes.h"
#include "engine/personal/person_keys.h"
#include "tools/server/kafka_lane.h"

namespace tenure {

struct KafkaIntakeOptions {
  KafkaConnection connection;
  std::string prefix = "tenure";              // of the topics
  std::string group = "tenure-engine";        // all processes of one log
  uint32_t partitions = 16;                   // of the log, and so of the commands
  PersonKeys* keys = nullptr;                 // of personal text; outlives the intake
  std::optional<PersonKey> ingress_key = {};  // of this log; none: nobody is believed to vouch
  const Unsealer* unsealer = nullptr;         // for results as JSON; outlives the intake
  std::chrono::milliseconds session_timeout{10'000};
  // A poll later than this loses the partitions: on_revoked must have returned before.
  std::chrono::milliseconds max_poll_interval{300'000};
  std::chrono::milliseconds commit_every{1'000};
  // How long results that are on their way hold up a rebalance.
  std::chrono::milliseconds revoke_patience{2'000};
  KafkaLane::Limits limits = {};  // of what is under way, a partition
};

struct KafkaIntakeHooks {
  // Claim them, then start() each.
  std::function<void(std::span<const PartitionId>)> on_assigned;
  // Their sessions have to end before it returns: the rebalance waits. `lost`: another process may
  // have claimed them already.
  std::function<void(std::span<const PartitionId>, bool lost)> on_revoked;
  // Never blocks; `reply` is called from any thread once, or never. A call that was under way may
  // still come after a stop() on another thread: to be answered kUnavailable, or never.
  std::function<void(PartitionId, CommandBytes, Offset source, Reply reply)> submit;
  std::function<void(const Error&)> on_error = [](const Error&) {};  // it goes on by itself
};

struct KafkaIntakeStats {
  uint64_t read = 0, submitted = 0, forwarded = 0, quarantined = 0;
  uint64_t read_again = 0;  // times that a partition went back after kUnavailable
  uint64_t commits = 0;
  size_t under_way = 0;
};

class KafkaIntake {
 public:
  // Checks the topics, joins the group. kNotFound: a topic is missing; kInvalid: the commands have
  // another number of partitions than the log, or a setting is wrong; kUnavailable.
  static Result<std::unique_ptr<KafkaIntake>> open(KafkaIntakeOptions options,
                                                   KafkaIntakeHooks hooks);
  ~KafkaIntake();  // close()
  KafkaIntake(const KafkaIntake&) = delete;

  // Any thread. The partition is claimed: begins at the group's committed offset, or, if there is
  // none, at `from`. Again for one that runs: begins anew. For one that is not assigned: nothing.
  void start(PartitionId partition, Offset from);
  // Any thread. Submits no more of it until the next start(); the partition stays assigned.
  void stop(PartitionId partition);

  // Any thread. Polls that have ended; with assigned_since(): whether a poll began and ended after
  // `polls` was asked for, and the partition is still this process's as far as it can know.
  uint64_t polls() const;
  bool assigned_since(PartitionId partition, uint64_t polls) const;

  // Any thread. Every command of the partition below this offset is settled: what a decision may
  // name as its source. Nothing before it has begun.
  std::optional<Offset> settled_below(PartitionId partition) const;

  KafkaIntakeStats stats() const;

  // Gives the partitions back (on_revoked), commits, leaves the group. Replies may come later.
  void close();

 private:
  struct Impl;
  explicit KafkaIntake(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
