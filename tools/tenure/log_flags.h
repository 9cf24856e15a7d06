// The options by which a tool is told which log it is about: that of a data directory, or one over
// Kafka.
#pragma once

#include <string>

#include "tools/tenure/kafka_flags.h"

namespace tenure {

struct LogFlags {
  std::string data = "tenure-data";
  std::string log = "embedded";
  KafkaFlags kafka;
  bool is_kafka() const { return log == "kafka"; }
};

// `about_data`: what --data names for this tool.
void add_log_options(CLI::App& app, LogFlags& flags, const std::string& about_data);

}  // namespace tenure
