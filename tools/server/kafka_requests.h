// Commands to whichever process owns their partition, and the answers back: what stands behind HTTP
// when the log is in Kafka.
//
//   send(), any thread --> commands topic --> the owner's intake --> results topic
//                                                                      \--> own thread --> Reply
//
// Each process has a name of its own, and reads one partition of the results, from the end as of
// its start. What is not answered by its deadline may be decided all the same: the answer says so,
// and a retry with the same id gives the decision.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"
#include "engine/partition/answer.h"
#include "engine/partition/command_bytes.h"
#include "engine/personal/person_keys.h"

namespace tenure {

struct KafkaRequestsOptions {
  KafkaConnection connection;
  std::string prefix = "tenure";  // of the topics
  uint32_t partitions = 16;       // of the log, and so of the commands
  size_t max_waiting = 65'536;    // beyond it send() answers kUnavailable at once
  // How long a command is tried for while no broker takes it.
  std::chrono::milliseconds send_patience{30'000};
  PersonKey ingress_key = {};  // proves to the owners what this process vouches for
  std::function<void(const Error&)> on_error = [](const Error&) {};  // any thread; for people
};

class KafkaRequests {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Checks the topics, starts the thread. kNotFound, kInvalid, kUnavailable.
  static Result<std::unique_ptr<KafkaRequests>> open(KafkaRequestsOptions options);
  ~KafkaRequests();  // close()
  KafkaRequests(const KafkaRequests&) = delete;

  // Any thread; never blocks. `reply` is called exactly once: on the thread of the results, on the
  // one that sends, or within send() and close(). Not under any lock, but it must not block. Its
  // answer is kUnavailable at the deadline (within 50 ms) or at close().
  void send(CommandBytes command, const Reply& reply, Deadline deadline);

  size_t waiting() const;
  const std::string& reply_to() const;  // this process, as its commands name it

  // Answers all that waits, takes no more.
  void close();

 private:
  struct Impl;
  explicit KafkaRequests(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
