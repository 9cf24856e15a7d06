// Reads partitions of one topic, each from an offset on, and asks what the cluster knows of them.
// No group: which partitions are read is the caller's business.
//
// One thread polls; the others' calls are for any thread. No call waits for ever.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

namespace tenure {

struct KafkaMessage {
  PartitionId partition;
  Offset offset;
  std::span<const std::byte> value;  // until the callback returns
  // Instead of a record. kCorrupt: what should come next is not there any more, and no more of the
  // partition comes. Else it goes on as soon as it can.
  std::optional<Error> error;
};

class KafkaConsumer {
 public:
  // Does not connect yet. kInvalid: a property is wrong.
  static Result<std::unique_ptr<KafkaConsumer>> make(const KafkaConnection& connection,
                                                     const std::string& topic);
  ~KafkaConsumer();
  KafkaConsumer(const KafkaConsumer&) = delete;

  struct Topic {
    std::string cluster_id;
    uint32_t partitions;
  };
  // kNotFound: there is no such topic. kUnavailable names the brokers.
  Result<Topic> topic() const;

  struct Extent {
    Offset begin, end;  // of what the brokers hold
  };
  Result<Extent> extent(PartitionId partition) const;

  // The value of one record; nothing if the partition does not hold it. One thread at a time.
  Result<std::optional<std::vector<std::byte>>> value_at(PartitionId partition, Offset offset);

  Result<void> start(PartitionId partition, Offset from);
  void stop(PartitionId partition);

  // Gives what has come, after a wait if nothing has; false if nothing came.
  bool poll(std::chrono::milliseconds patience,
            const std::function<void(const KafkaMessage&)>& take);

 private:
  struct Impl;
  explicit KafkaConsumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
