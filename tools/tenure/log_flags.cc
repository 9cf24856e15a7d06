#include "tools/tenure/log_flags.h"

namespace tenure {

void add_log_options(CLI::App& app, LogFlags& flags, const std::string& about_data) {
  app.add_option("--data", flags.data, about_data)->envname("TENURE_DATA")->capture_default_str();
  app.add_option("--log", flags.log, "Where the decisions are: in the data directory, or in Kafka")
      ->check(CLI::IsMember({"embedded", "kafka"}))
      ->capture_default_str();
  add_kafka_options(app, flags.kafka);
}

}  // namespace tenure
