// `tenure serve`: the daemon.
#include "tools/server/server.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "tools/server/logging.h"
#include "tools/tenure/catalog_flag.h"
#include "tools/tenure/kafka_flags.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

// On a machine with more processors the engine and the projector are busy before these are.
constexpr unsigned kDefaultHttpThreads = 8;

struct Options {
  ServeOptions serve;
  std::string log_level = "info";
  size_t memory_mb = 4096;
  size_t scrub_mb = 8;
  uint32_t slowest_reader_s = static_cast<uint32_t>(HttpOptions{}.slowest_reader.count());
  NotarySchedule notary;
  int64_t notary_seconds = notary.every.count();
  size_t max_bodies_mb = HttpOptions{}.max_bodies >> 20;
  std::string log = "embedded";
  KafkaFlags kafka;
  std::vector<std::string> roles = {"engine", "reads"};
  uint32_t session_timeout_ms = 10'000;
  int dedupe_hours = static_cast<int>(PartitionOptions{}.dedupe_window.count());
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

Result<void> choose_log(Options& options, const CLI::App& app) {
  if (options.log == "embedded") {
    const std::string given = given_kafka_option(app, {"--roles", "--session-timeout-ms"});
    if (given.empty()) return {};
    return fail(ErrorKind::kInvalid,
                given + " is about a log over Kafka: add --log kafka, or leave it out");
  }
  KafkaSideOptions kafka;
  kafka.connection = TRY(connection_of(options.kafka));
  kafka.prefix = options.kafka.prefix;
  kafka.partitions = options.kafka.partitions;
  kafka.session_timeout = std::chrono::milliseconds(options.session_timeout_ms);
  TRY(take_roles(options, kafka));
  options.serve.host.kafka = std::move(kafka);
  return {};
}

int run(Options& options, const CLI::App& app) {
  start_logging(options.log_level);
  if (const char* key = std::getenv("TENURE_ADMIN_KEY")) options.serve.admin_key = key;
  options.serve.http.slowest_reader = std::chrono::seconds(options.slowest_reader_s);
  options.serve.http.max_bodies = options.max_bodies_mb << 20;
  options.serve.host.scrub.bytes_per_second = options.scrub_mb << 20;
  options.notary.every = std::chrono::seconds(options.notary_seconds);
  if (options.notary_seconds > 0) options.serve.host.notary = options.notary;
  PartitionOptions& partition = options.serve.host.partition;
  partition.memory_for_organizations = options.memory_mb << 20;
  partition.dedupe_window = std::chrono::hours(options.dedupe_hours);
  if (Result<void> chosen = choose_log(options, app); !chosen) {
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
  app.add_option("--port", http.port, "The port; 0: any free one")
      ->check(CLI::Range(0, 65'535))
      ->capture_default_str();
  http.threads = std::clamp(std::thread::hardware_concurrency(), 1u, kDefaultHttpThreads);
  app.add_option(
         "--http-threads", http.threads,
         "How many threads accept, read and answer requests; by default one a processor, 8 at most")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option(
         "--max-connections", http.max_connections,
         "Connections at once, shared out among the threads, each of which takes up to twice "
         "its share and 64; more wait")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-bodies-mb", options->max_bodies_mb,
                 "Memory for what was sent and is not answered yet; beyond it 503")
      ->check(CLI::Range(1, 16'000'000))
      ->capture_default_str();
  app.add_option("--slowest-reader-s", options->slowest_reader_s,
                 "Who takes nothing more of an answer or of a stream for so long is cut off")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--memory-mb", options->memory_mb, "Memory for organizations in use")
      ->check(CLI::Range(1, 16'000'000))
      ->capture_default_str();
  app.add_option("--scrub-mb", options->scrub_mb,
                 "How much of the log is read and verified in the background a second; 0: nothing")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  app.add_option("--notary-seconds", options->notary_seconds,
                 "How often a head of the log is signed while there is anything new; 0: never")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  app.add_option("--notary-decisions", options->notary.every_decisions,
                 "Sooner, when so many decisions are new")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--dedupe-hours", options->dedupe_hours,
                 "How long a command's id is remembered, so that a retry gets its answer")
      ->check(CLI::Range(1, 24 * 366))
      ->capture_default_str();
  app.add_option("--dedupe-max-ids", options->serve.host.partition.dedupe_max_ids,
                 "Ids remembered at most, a partition; beyond it commands are refused (503)")
      ->check(CLI::Range(int64_t{1}, int64_t{4'000'000'000}))
      ->capture_default_str();
  add_catalog_option(app, options->serve.host.catalog);
  app.add_option("--oidc", options->serve.oidc,
                 "A file of issuers whose tokens people come with, as JSON: a list of {issuer, "
                 "audience, jwks (a file or URL), user_claim?, algorithms?}");
  app.add_flag("--accept-lost-keys", options->serve.host.accept_lost_keys,
               "Start although the key store is gone: sealed reasons, names and e-mails stay "
               "unreadable, and a retry of such a command is refused");
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
  return [options, &app] { return run(*options, app); };
}

const Subcommand kServe("serve", "Run the daemon", configure);

}  // namespace
}  // namespace tenure
