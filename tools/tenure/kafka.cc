// `tenure kafka topics`: are the topics of a log over Kafka as they must be? Makes the missing
// ones.
#include <cstdio>

#include "engine/log/kafka_topics.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  std::string brokers = "127.0.0.1:9092";
  std::string prefix{kDefaultTopicPrefix};
  uint32_t partitions = kDefaultPartitions;
  uint32_t replication = kDefaultReplication;
  std::vector<std::string> properties;
  bool create = false;
};

// name=value, as the client library takes them.
Result<KafkaConnection> connection_of(const Options& options) {
  KafkaConnection connection{.brokers = options.brokers, .properties = {}};
  for (const std::string& property : options.properties) {
    const size_t equals = property.find('=');
    if (equals == std::string::npos) {
      return fail(ErrorKind::kInvalid, "--property takes name=value, not " + property);
    }
    connection.properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
  }
  return connection;
}

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

Result<bool> settle_all(const Options& options) {
  KafkaAdmin admin = TRY(KafkaAdmin::make(TRY(connection_of(options))));
  bool good = true;
  for (const KafkaTopic& topic :
       kafka_topics(options.prefix, options.partitions, options.replication)) {
    good = TRY(settle(admin, topic, options.create)) && good;
  }
  return good;
}

int run(const Options& options) {
  const Result<bool> good = settle_all(options);
  if (!good) return report(good.error());
  return *good ? kExitOk : kExitRefused;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* topics = app.add_subcommand(
      "topics", "Check the topics of the log, each difference by name; 1 if there is any");
  topics->add_flag("--create", options->create, "Make the ones that are missing");
  topics->add_option("--brokers", options->brokers, "host:port, comma-separated")
      ->envname("TENURE_KAFKA")
      ->capture_default_str();
  topics->add_option("--prefix", options->prefix, "What the names begin with")
      ->capture_default_str();
  topics->add_option("--partitions", options->partitions, "Of the log; fixed from then on")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  topics
      ->add_option("--replication", options->replication,
                   "How many brokers keep a copy; 3 where data matters")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  topics->add_option("--property", options->properties,
                     "name=value of the Kafka client, for TLS and SASL; may be repeated");
  return [options] { return run(*options); };
}

const Subcommand kKafka("kafka", "Topics of a log over Kafka", configure);

}  // namespace
}  // namespace tenure
