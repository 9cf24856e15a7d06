// The topics that commands take: in, out, and out of the way.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

namespace tenure {

struct KafkaCommandTopics {
  std::string commands, results, quarantine;
  uint32_t partitions = 1;  // of the commands, as of the log
  uint32_t results_partitions = 1;
};

// How many partitions it has. Waits for the cluster, and a little for a topic that was just made,
// which some brokers know before others. kNotFound: there is none; kUnavailable.
Result<uint32_t> partitions_of_topic(const KafkaConnection& connection, const std::string& topic);

// What the cluster has, for a log of so many partitions. Waits for the cluster. kNotFound: a topic
// is missing; kInvalid: the commands have another number of partitions than the log; kUnavailable.
Result<KafkaCommandTopics> find_command_topics(const KafkaConnection& connection,
                                               const std::string& prefix, uint32_t partitions);

}  // namespace tenure
