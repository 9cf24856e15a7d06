// The topics of a log over Kafka: their names and what their settings must be.
#pragma once

#include <string_view>
#include <vector>

#include "engine/log/kafka_admin.h"

namespace tenure {

inline constexpr std::string_view kDefaultTopicPrefix = "tenure";
inline constexpr uint32_t kDefaultPartitions = 16;
inline constexpr uint32_t kDefaultReplication = 3;

// The name of one: `prefix.log` for "log". Several logs may share a cluster by their prefixes.
std::string kafka_topic_name(std::string_view prefix, std::string_view topic);

// All of them, for so many partitions of the log. With a replication of 2 or more a write needs all
// replicas but one.
std::vector<KafkaTopic> kafka_topics(std::string_view prefix, uint32_t partitions,
                                     uint32_t replication);

// One line for each thing in which `found` is not as wanted; what is not in `wanted` is the
// operator's.
std::vector<std::string> differences(const KafkaTopic& wanted, const KafkaTopic& found);

}  // namespace tenure
