// What a host has to do with Kafka: the log, the keys of personal text, the commands that come in,
// the commands that it sends to other owners.
//
// Opened in two steps: the log and the keys, over which partitions are opened; then join(), after
// which hooks are called. Hooks come on threads of the library's, and must not block but for
// `revoke`.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/log/kafka_log.h"
#include "tools/server/kafka_intake.h"
#include "tools/server/kafka_keys.h"
#include "tools/server/kafka_requests.h"

namespace tenure {

struct KafkaSideOptions {
  KafkaConnection connection;
  std::string prefix = "tenure";  // of the topics
  uint32_t partitions = 16;       // as the log was made with
  bool owns = true;               // false: it never decides, it only reads (role `reads`)
  std::chrono::milliseconds session_timeout{10'000};
  uint64_t segment_bytes = 16u << 20;  // of the mirror's files
  std::string address = {};            // of this process, for who finds the mirror in use
};

class KafkaSide {
 public:
  struct Hooks {
    std::function<void()> on_change;  // more of the log can be read
    std::function<void()> on_claim;   // a claim was read
    std::function<void(PartitionId)> assign;
    // Has the session of the partition ended, then calls `let_go`.
    std::function<void(PartitionId, std::function<void()> let_go)> revoke;
    std::function<void(PartitionId, CommandBytes, Offset source, Reply)> submit;
    std::function<void(const Error&)> on_failure;  // the process has to start anew
  };

  // The log, with its mirror in `directory`, and the keys. What KafkaLog::open and KafkaKeys::open
  // say.
  static Result<std::unique_ptr<KafkaSide>> open(const KafkaSideOptions& options,
                                                 const std::string& directory, Hooks hooks);
  ~KafkaSide();

  KafkaLog& log() { return *log_; }
  PersonKeys& keys() { return *keys_; }
  Result<void> join(const Unsealer& unsealer);

  // Of the intake; before join(), and for a process that owns nothing: none.
  uint64_t polls() const;
  bool assigned_since(PartitionId partition, uint64_t polls) const;
  void start(PartitionId partition, uint64_t settled);
  // What a record may say of the commands at most; none if nothing was begun.
  uint64_t settled_below(PartitionId partition) const;

  void send(CommandBytes command, const Reply& reply);

  // Gives its partitions back and leaves the group; then answers what waits for others.
  void leave();

 private:
  KafkaSide(const KafkaSideOptions& options, Hooks hooks)
      : options_(options), hooks_(std::move(hooks)) {}
  void revoke(std::span<const PartitionId> partitions);

  const KafkaSideOptions options_;
  const Hooks hooks_;
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<KafkaKeys> keys_;
  std::unique_ptr<KafkaRequests> requests_;
  std::unique_ptr<KafkaIntake> intake_;
  std::atomic<KafkaIntake*> joined_ = nullptr;
};

}  // namespace tenure
