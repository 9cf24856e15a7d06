// Puts binary commands on a topic as a client does: keyed by organization, each in the partition
// that it belongs to. What is published is sent in place and must outlive the call.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"
#include "tools/tenure/bench_workload.h"

namespace tenure {

class CommandFeed {
 public:
  // Begins its transactions. kInvalid, kUnavailable.
  static Result<std::unique_ptr<CommandFeed>> make(const KafkaConnection& connection,
                                                   const std::string& topic, uint32_t partitions);
  ~CommandFeed();

  using Moment = std::chrono::steady_clock::time_point;
  // In one transaction, so that nobody sees one before all are there: nothing is read ahead of the
  // clock. Returns the moment before they could be seen.
  Result<Moment> publish_at_once(const CommandArena& commands);
  // Command i when it is due, i / per_s behind the moment returned; never later because an answer
  // is late.
  Result<Moment> publish_paced(const CommandArena& commands, double per_s);

 private:
  struct Impl;
  explicit CommandFeed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
