// `tenure serve`: the daemon.
#include "tools/server/server.h"

#include <algorithm>
#include <cstdlib>

#include "tools/server/logging.h"
#include "tools/tenure/kafka_flags.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  ServeOptions serve;
  std::string log_level = "info";
  size_t memory_mb = 4096;
  std::string log = "embedded";
  KafkaFlags kafka;
  std::vector<std::string> roles = {"engine", "reads"};
  uint32_t session_timeout_ms = 10'000;
};

// The roles that this process plays; over Kafka others may play the rest.
Result<void> take_roles(Options& options, KafkaSideOptions& kafka) {
  const auto plays = [&](std::string_view role) {
    return std::ranges::find(options.roles, role) != options.roles.end();
  };
  kafka.owns = plays("engine");
  options.serve.host.follow = plays("reads");
  if (kafka.owns || options.serve.host.follow) return {};
  return fail(ErrorKind::kInvalid, "--roles names none: engine, reads or both");
}

Result<void> choose_log(Options& options) {
  if (options.log == "embedded") return {};
  KafkaSideOptions kafka;
  kafka.connection = TRY(connection_of(options.kafka));
  kafka.prefix = options.kafka.prefix;
  kafka.partitions = options.kafka.partitions;
  kafka.session_timeout = std::chrono::milliseconds(options.session_timeout_ms);
  TRY(take_roles(options, kafka));
  options.serve.host.kafka = std::move(kafka);
  return {};
}

int run(Options& options) {
  start_logging(options.log_level);
  if (const char* key = std::getenv("TENURE_ADMIN_KEY")) options.serve.admin_key = key;
  options.serve.host.partition.memory_for_organizations = options.memory_mb << 20;
  if (Result<void> chosen = choose_log(options); !chosen) {
    report(chosen.error());
    return kExitUsage;
  }
  Result<void> served = serve(options.serve);
  return served ? kExitOk : report(served.error());
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  HttpOptions& http = options->serve.http;
  app.add_option("--data", options->serve.host.data_directory, "The data directory")
      ->envname("TENURE_DATA")
      ->default_val("tenure-data");
  app.add_option("--listen", http.address, "The IP address to listen on")->capture_default_str();
  app.add_option("--port", http.port, "The port; 0: any free one")->capture_default_str();
  app.add_option("--max-connections", http.max_connections)->capture_default_str();
  app.add_option("--memory-mb", options->memory_mb, "Memory for organizations in use")
      ->capture_default_str();
  app.add_option("--log", options->log,
                 "Where the decisions are: in the data directory, or in Kafka")
      ->check(CLI::IsMember({"embedded", "kafka"}))
      ->capture_default_str();
  add_kafka_options(app, options->kafka);
  app.add_option("--roles", options->roles,
                 "Over Kafka: decide for partitions (engine), answer reads (reads)")
      ->delimiter(',')
      ->check(CLI::IsMember({"engine", "reads"}))
      ->capture_default_str();
  app.add_option("--session-timeout-ms", options->session_timeout_ms,
                 "Over Kafka: who is not heard of for so long loses its partitions")
      ->check(CLI::Range(1'000, 300'000))
      ->capture_default_str();
  app.add_option("--log-level", options->log_level)
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  return [options] { return run(*options); };
}

const Subcommand kServe("serve", "Run the daemon", configure);

}  // namespace
}  // namespace tenure
