// `tenure kafka topics`: are the topics of a log over Kafka as they must be? Makes the missing
// ones.
#include <cstdio>

#include "engine/log/kafka_topics.h"
#include "tools/tenure/kafka_flags.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  KafkaFlags kafka;
  uint32_t replication = kDefaultReplication;
  bool create = false;
};

// Prints what became of one topic; false if it is not as it must be.
Result<bool> settle(KafkaAdmin& admin, const KafkaTopic& wanted, bool create) {
  const auto found = TRY(admin.describe(wanted.name));
  if (!found && !create) {
    std::printf("BAD  %s: missing; create it with --create\n", wanted.name.c_str());
    return false;
  }
  if (!found) {
    TRY(admin.create(wanted));
    std::printf("new  %s: %u partitions, replication %u\n", wanted.name.c_str(), wanted.partitions,
                wanted.replication);
    return true;
  }
  const auto lines = differences(wanted, *found);
  for (const std::string& line : lines) std::printf("BAD  %s\n", line.c_str());
  if (lines.empty()) std::printf("ok   %s\n", wanted.name.c_str());
  return lines.empty();
}

Result<bool> settle_all(const Options& options, const KafkaConnection& connection) {
  KafkaAdmin admin = TRY(KafkaAdmin::make(connection));
  bool good = true;
  for (const KafkaTopic& topic :
       kafka_topics(options.kafka.prefix, options.kafka.partitions, options.replication)) {
    good = TRY(settle(admin, topic, options.create)) && good;
  }
  return good;
}

int run(const Options& options) {
  const auto connection = connection_of(options.kafka);
  if (!connection) {
    report(connection.error());
    return kExitUsage;
  }
  const Result<bool> good = settle_all(options, *connection);
  if (!good) return report(good.error());
  return *good ? kExitOk : kExitRefused;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* topics = app.add_subcommand(
      "topics", "Check the topics of the log, each difference by name; 1 if there is any");
  topics->add_flag("--create", options->create, "Make the ones that are missing");
  add_kafka_options(*topics, options->kafka);
  topics
      ->add_option("--replication", options->replication,
                   "How many brokers keep a copy; 3 where data matters")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  return [options] { return run(*options); };
}

const Subcommand kKafka("kafka", "Topics of a log over Kafka", configure);

}  // namespace
}  // namespace tenure
