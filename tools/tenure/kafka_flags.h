// The options by which a subcommand reaches a log over Kafka.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"
#include "engine/log/kafka_topics.h"

namespace tenure {

struct KafkaFlags {
  std::string brokers = "127.0.0.1:9092";
  std::string prefix{kDefaultTopicPrefix};
  uint32_t partitions = kDefaultPartitions;
  std::vector<std::string> properties;
  std::string properties_file;
  bool allow_plaintext = false;
};

void add_kafka_options(CLI::App& app, KafkaFlags& flags);
// The first of them that the command line gives (the environment does not count), or one of
// `others`; empty: none.
std::string given_kafka_option(const CLI::App& app, std::vector<std::string> others);

// The properties of the file come first, so that the command line's win.
//
//   file := line*       line := name "=" value | "#" comment | nothing
//
// Blanks around names and values count for nothing; nothing is escaped. kNotFound, kIo; kInvalid: a
// line or property that is not name=value (never shown: it may be a password), a file that others
// may read, the brokers named among them; or brokers on other machines would be spoken to in clear,
// which --allow-plaintext permits.
Result<KafkaConnection> connection_of(const KafkaFlags& flags);

}  // namespace tenure
