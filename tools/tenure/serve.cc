// `tenure serve`: the daemon.
#include "tools/server/server.h"

#include <cstdlib>

#include "tools/server/logging.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  ServeOptions serve;
  std::string log_level = "info";
  size_t memory_mb = 4096;
};

int run(Options& options) {
  start_logging(options.log_level);
  if (const char* key = std::getenv("TENURE_ADMIN_KEY")) options.serve.admin_key = key;
  options.serve.host.partition.memory_for_organizations = options.memory_mb << 20;
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
  app.add_option("--log-level", options->log_level)
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  return [options] { return run(*options); };
}

const Subcommand kServe("serve", "Run the daemon", configure);

}  // namespace
}  // namespace tenure
