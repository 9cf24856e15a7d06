#include "engine/log/kafka_topics.h"

#include <fmt/format.h>

namespace tenure {
namespace {

constexpr const char* kForEver = "-1";
constexpr const char* kSevenDays = "604800000";
constexpr const char* kOneDay = "86400000";
constexpr const char* kLargestMessage = "10485760";

}  // namespace

std::string kafka_topic_name(std::string_view prefix, std::string_view topic) {
  return fmt::format("{}.{}", prefix, topic);
}

std::vector<KafkaTopic> kafka_topics(std::string_view prefix, uint32_t partitions,
                                     uint32_t replication) {
  const std::map<std::string, std::string> common = {
      {"max.message.bytes", kLargestMessage},
      {"min.insync.replicas", std::to_string(replication > 1 ? replication - 1 : 1)},
      {"unclean.leader.election.enable", "false"}};
  std::vector<KafkaTopic> topics;
  const auto add = [&](std::string_view name, uint32_t count, const char* policy,
                       const char* kept_ms) {
    KafkaTopic& topic =
        topics.emplace_back(KafkaTopic{kafka_topic_name(prefix, name), count, replication, common});
    topic.settings["cleanup.policy"] = policy;
    topic.settings["retention.ms"] = kept_ms;
    topic.settings["retention.bytes"] = "-1";
  };
  add("commands", partitions, "delete", kSevenDays);
  add("log", partitions, "delete", kForEver);
  add("results", partitions, "delete", kOneDay);
  add("quarantine", 1, "delete", kForEver);
  add("keys", 1, "compact", kForEver);
  topics.back().settings["max.compaction.lag.ms"] = kOneDay;  // then a destroyed key is gone
  add("events", partitions, "delete", kSevenDays);
  add("checkpoints", 1, "delete", kForEver);
  return topics;
}

std::vector<std::string> differences(const KafkaTopic& wanted, const KafkaTopic& found) {
  std::vector<std::string> lines;
  const auto compare = [&](std::string_view what, std::string_view is, std::string_view should) {
    if (is != should) {
      lines.push_back(fmt::format("{}: {} is {}, must be {}", wanted.name, what, is, should));
    }
  };
  compare("the number of partitions", std::to_string(found.partitions),
          std::to_string(wanted.partitions));
  compare("replication", std::to_string(found.replication), std::to_string(wanted.replication));
  for (const auto& [name, value] : wanted.settings) {
    const auto at = found.settings.find(name);
    compare(name, at == found.settings.end() ? "unknown" : at->second, value);
  }
  return lines;
}

}  // namespace tenure
