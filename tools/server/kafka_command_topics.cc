#include "tools/server/kafka_command_topics.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "engine/log/kafka_consumer.h"
#include "engine/log/kafka_topics.h"

namespace tenure {
namespace {

constexpr std::chrono::milliseconds kTopicPatience(3'000), kPause(50);

}  // namespace

Result<uint32_t> partitions_of_topic(const KafkaConnection& connection, const std::string& topic) {
  const auto consumer = TRY(KafkaConsumer::make(connection, topic));
  const auto deadline = std::chrono::steady_clock::now() + kTopicPatience;
  while (true) {
    const auto found = consumer->topic();
    if (found) return found->partitions;
    if (found.error().kind != ErrorKind::kNotFound || std::chrono::steady_clock::now() > deadline) {
      return std::unexpected(found.error());
    }
    std::this_thread::sleep_for(kPause);
  }
}

Result<KafkaCommandTopics> find_command_topics(const KafkaConnection& connection,
                                               const std::string& prefix, uint32_t partitions) {
  KafkaCommandTopics topics{.commands = kafka_topic_name(prefix, "commands"),
                            .results = kafka_topic_name(prefix, "results"),
                            .quarantine = kafka_topic_name(prefix, "quarantine")};
  topics.partitions = TRY(partitions_of_topic(connection, topics.commands));
  topics.results_partitions = TRY(partitions_of_topic(connection, topics.results));
  (void)TRY(partitions_of_topic(connection, topics.quarantine));
  if (topics.partitions != partitions) {
    return fail(ErrorKind::kInvalid,
                fmt::format("topic {} has {} partitions, the log {}: make it anew with as many",
                            topics.commands, topics.partitions, partitions));
  }
  return topics;
}

}  // namespace tenure
