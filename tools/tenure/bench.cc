// `tenure bench NAME`: how fast this machine runs Tenure, each figure beside a raw probe of the
// same run.
#include <fmt/format.h>

#include <filesystem>

#include "tools/tenure/bench_check.h"
#include "tools/tenure/bench_embedded.h"
#include "tools/tenure/bench_http.h"
#include "tools/tenure/bench_kafka.h"
#include "tools/tenure/bench_notary.h"
#include "tools/tenure/bench_relay.h"
#include "tools/tenure/bench_start.h"
#include "tools/tenure/bench_usage.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  std::string name;
  BenchOptions bench;
};

struct Bench {
  std::string_view name;
  Result<void> (*run)(const BenchOptions&);
};
constexpr Bench kBenches[] = {
    {"embedded", bench_embedded}, {"http", bench_http},     {"check", bench_check},
    {"start", bench_start},       {"kafka", bench_kafka},   {"kafka-peer", bench_kafka_peer},
    {"relay", bench_relay},       {"notary", bench_notary}, {"usage", bench_usage},
};

int run(Options& options) {
  // Beside the log to be, not in /tmp: that may be memory, and memory syncs for free.
  if (options.bench.directory.empty()) options.bench.directory = "tenure-bench-data";
  std::error_code ignored;
  if (std::filesystem::exists(options.bench.directory, ignored)) {
    return report({ErrorKind::kConflict,
                   options.bench.directory + " exists: name another with --data, or remove it"});
  }
  Result<void> outcome;
  for (const Bench& bench : kBenches) {
    if (bench.name == options.name) outcome = bench.run(options.bench);
  }
  std::filesystem::remove_all(options.bench.directory, ignored);
  return outcome ? kExitOk : report(outcome.error());
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const Bench& bench : kBenches) names.emplace_back(bench.name);
  app.add_option("name", options->name, "What to measure")->required()->check(CLI::IsMember(names));
  app.add_option("--data", options->bench.directory, "A directory to make and to remove again");
  app.add_option("--organizations", options->bench.organizations, "Over how many organizations")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--commands", options->bench.commands, "Commands of a run with many in flight")
      ->check(CLI::Range(1'000, 1'000'000'000))
      ->capture_default_str();
  app.add_flag("--json", options->bench.json, "One JSON object a row");
  options->bench.kafka.prefix = "tenure-bench";  // topics that are made, and removed again
  add_kafka_options(app, options->bench.kafka);
  return [options] { return run(*options); };
}

const Subcommand kBench("bench", "Measure it, beside what the machine can do", configure);

}  // namespace
}  // namespace tenure
