// Readers of messages with headers: a member of a consumer group on one topic (which partitions it
// has, their messages, its commits), and one that reads on in one partition.
//
// A group hands out partitions; nothing of one is fetched before begin(). Its assignment is
// cooperative (cooperative-sticky): what stays with a member goes on undisturbed while others come
// and go, as each move costs a claim. One thread calls everything but wake() and lost(); the hooks
// are called on it, within poll() and close().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

namespace tenure {

// A message and its headers, in the library's memory: until the callback returns.
struct KafkaIncoming {
  PartitionId partition;
  Offset offset;
  std::string_view key, value;
  int64_t timestamp_ms = 0;  // 0: none
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  // The last one of this name, as other clients read it; empty if there is none.
  std::string_view header(std::string_view name) const;
};

class KafkaGroup {
 public:
  struct Options {
    KafkaConnection connection;
    std::string topic;
    std::string group;
    std::chrono::milliseconds session_timeout{10'000};
    std::chrono::milliseconds max_poll_interval{300'000};
  };
  struct Hooks {
    std::function<void(std::span<const PartitionId>)> on_assigned;
    // The partitions go when it returns. `lost`: they are another's already.
    std::function<void(std::span<const PartitionId>, bool lost)> on_revoked;
    std::function<void(std::span<const PartitionId>)> on_commit_failed;
    std::function<void(const Error&)> on_error;  // for people; it goes on by itself
  };
  // Joins; does not wait for a broker. kInvalid: a property is wrong.
  static Result<std::unique_ptr<KafkaGroup>> make(const Options& options, Hooks hooks);
  ~KafkaGroup();  // close()
  KafkaGroup(const KafkaGroup&) = delete;

  // Waits for a message, at most for `patience`, and gives it and some more that have come, which
  // may be of partitions that were revoked or paused meanwhile. False if none came.
  bool poll(std::chrono::milliseconds patience, const std::function<void(KafkaIncoming&)>& take);
  void wake();  // any thread: has poll() return

  // The group's committed offset, if there is one. Waits for the cluster.
  Result<std::optional<Offset>> committed(PartitionId partition);
  // Fetches an assigned partition from here on; also after pause(). kUnavailable: try again soon.
  Result<void> begin(PartitionId partition, Offset from);
  // Fetches no more of it; what was fetched and not yet given is forgotten.
  void pause(PartitionId partition);

  using Offsets = std::vector<std::pair<PartitionId, Offset>>;  // the next to be read
  void commit(const Offsets& offsets);  // on_commit_failed says if it did not work
  Result<void> commit_and_wait(const Offsets& offsets);

  // Any thread: the group has given its partitions to others, though on_revoked is still to come.
  bool lost() const;

  // Gives the partitions back (on_revoked) and leaves.
  void close();

 private:
  struct Impl;
  explicit KafkaGroup(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One thread.
class KafkaTail {
 public:
  // From its beginning, or its end as it is now. Waits for the cluster. kNotFound, kInvalid,
  // kUnavailable.
  enum class From : uint8_t { kBeginning, kEnd };
  static Result<std::unique_ptr<KafkaTail>> make(const KafkaConnection& connection,
                                                 const std::string& topic, PartitionId partition,
                                                 From from);
  ~KafkaTail();
  KafkaTail(const KafkaTail&) = delete;

  // Waits for one message, at most for `patience`. False if none came; an error passes by itself.
  Result<bool> poll(std::chrono::milliseconds patience,
                    const std::function<void(KafkaIncoming&)>& take);

  // Whether it has once read all that there was.
  bool at_end() const;

 private:
  struct Impl;
  explicit KafkaTail(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
