#include "tools/tenure/bench_kafka.h"

#include <chrono>
#include <functional>
#include <thread>

#include "engine/log/kafka_topics.h"
#include "tools/server/engine_host.h"
#include "tools/server/logging.h"
#include "tools/tenure/bench_kafka_feed.h"
#include "tools/tenure/bench_kafka_probe.h"
#include "tools/tenure/bench_kafka_reader.h"
#include "tools/tenure/bench_topics.h"
#include "tools/tenure/bench_workload.h"
#include "tools/tenure/kafka_flags.h"

namespace tenure {
namespace {

using Steady = std::chrono::steady_clock;

constexpr double kPacedSeconds = 5;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kLookAgain = std::chrono::milliseconds(1);

uint64_t ns_of(Steady::time_point moment) {
  return static_cast<uint64_t>(moment.time_since_epoch() / std::chrono::nanoseconds(1));
}

// One engine under load: how its decisions are read, and what is waited for behind the last one.
struct BenchedEngine {
  const BenchOptions& options;
  KafkaConnection connection;
  std::string commands, decisions;  // topics
  DecisionReader::Rule rule;
  std::function<Result<void>(size_t decided)> catch_up;
};

struct Measured {
  BenchRow row;
  size_t begin = 0, end = 0;  // the commands of the full load
};

// First organizations and as many commands to warm up (brokers and peers compile as they run), then
// the full load, then half of it twice: the first time warms up, too.
class Run {
 public:
  static Result<Measured> measure(BenchedEngine& engine) {
    const size_t all = size_t{2} * engine.options.organizations + 4 * engine.options.commands;
    auto feed =
        TRY(CommandFeed::make(engine.connection, engine.commands, engine.options.kafka.partitions));
    auto reader = TRY(DecisionReader::open(
        {engine.connection, engine.decisions, engine.options.kafka.partitions, engine.rule}, all));
    Run run(engine, *feed, *reader);
    TRY(run.warm_up());
    TRY(run.full_load());
    for (int i = 0; i < 2; ++i) TRY(run.half_load());
    run.measured_.row.more.emplace_back("latency_at_per_s", run.measured_.row.per_s / 2);
    return std::move(run.measured_);
  }

 private:
  Run(BenchedEngine& engine, CommandFeed& feed, DecisionReader& reader)
      : engine_(engine), feed_(feed), reader_(reader), workload_(engine.options.organizations, 7) {}

  Result<void> settle(const CommandArena& commands) {
    decided_ += commands.size();
    TRY(reader_.wait_for(decided_));
    return engine_.catch_up(decided_);
  }

  Result<void> warm_up() {
    CommandArena setup, mix;
    workload_.add_setup(setup);
    workload_.add_mix(mix, engine_.options.commands);
    TRY(feed_.publish_at_once(setup));
    TRY(settle(setup));
    TRY(feed_.publish_at_once(mix));
    return settle(mix);
  }

  Result<void> full_load() {
    CommandArena commands;
    workload_.add_mix(commands, engine_.options.commands);
    const auto before = reader_.counts();
    measured_.begin = decided_;
    const auto start = TRY(feed_.publish_at_once(commands));
    TRY(settle(commands));
    const std::chrono::duration<double> took = Steady::now() - start;
    measured_.end = decided_;
    const auto count = static_cast<double>(commands.size());
    const auto after = reader_.counts();
    BenchRow& row = measured_.row;
    row.per_s = count / took.count();
    row.more.emplace_back("decisions", count);
    row.more.emplace_back("accepted", static_cast<double>(after.accepted - before.accepted));
    row.more.emplace_back("bytes_per_decision",
                          static_cast<double>(after.bytes - before.bytes) / count);
    return {};
  }

  Result<void> half_load() {
    CommandArena commands;
    const double per_s = measured_.row.per_s / 2;
    const auto count = static_cast<size_t>(per_s * kPacedSeconds);
    workload_.add_mix(commands, std::clamp<size_t>(count, 1, engine_.options.commands));
    const size_t begin = decided_;
    const uint64_t start = ns_of(TRY(feed_.publish_paced(commands, per_s)));
    TRY(settle(commands));
    std::vector<uint64_t> latencies;
    for (size_t i = 0; i < commands.size(); ++i) {
      const auto due = start + static_cast<uint64_t>(static_cast<double>(i) * 1e9 / per_s);
      latencies.push_back(reader_.read_at_ns(begin + i) - due);
    }
    measured_.row.latencies = Latencies::of(latencies);
    return {};
  }

  BenchedEngine& engine_;
  CommandFeed& feed_;
  DecisionReader& reader_;
  BenchWorkload workload_;
  size_t decided_ = 0;
  Measured measured_;
};

Result<void> wait_applied(EngineHost& host, size_t decided) {
  const auto deadline = Steady::now() + kPatience;
  while (host.stats().applied < decided) {
    if (const auto failure = host.failure()) return std::unexpected(*failure);
    if (Steady::now() > deadline) {
      return fail(ErrorKind::kUnavailable, "the read models did not catch up within a minute");
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  return {};
}

// The engine alone, or with the read models following. `alone`: what a producer does alone with the
// same records; the first run measures it, as the second leaves the disk busy.
Result<void> run_engine_over_kafka(const BenchOptions& options, const KafkaConnection& connection,
                                   bool read_models, double& alone) {
  const std::string_view name = read_models ? "sustained" : "engine";
  const std::string prefix = options.kafka.prefix + "-" + std::string(name);
  KafkaTopic probed;
  BenchTopics topics(TRY(KafkaAdmin::make(connection)));
  for (const KafkaTopic& topic : kafka_topics(prefix, options.kafka.partitions, 1)) {
    TRY(topics.create(topic));
    if (topic.name == kafka_topic_name(prefix, "log")) probed = topic;
  }
  HostOptions host_options;
  host_options.data_directory = options.directory + "/" + std::string(name);
  host_options.follow = read_models;
  host_options.kafka.emplace();
  host_options.kafka->connection = connection;
  host_options.kafka->prefix = prefix;
  host_options.kafka->partitions = options.kafka.partitions;
  auto host = TRY(EngineHost::open(host_options));
  BenchedEngine engine{.options = options,
                       .connection = connection,
                       .commands = kafka_topic_name(prefix, "commands"),
                       .decisions = kafka_topic_name(prefix, "log"),
                       .rule = DecisionReader::Rule::kReadersRule,
                       .catch_up = [&](size_t decided) {
                         return read_models ? wait_applied(*host, decided) : Result<void>{};
                       }};
  Measured measured = TRY(Run::measure(engine));
  TRY(host->close());
  measured.row.bench = "kafka/" + std::string(name);
  measured.row.probe = "producer alone";
  if (alone == 0) {
    probed.name = kafka_topic_name(prefix, "probe");
    TRY(topics.create(probed));
    alone = TRY(probe_producer({connection, engine.decisions, probed.name, probed.partitions,
                                measured.begin, measured.end}));
  }
  measured.row.probe_per_s = alone;
  print_bench_row(measured.row, options.json);
  return {};
}

}  // namespace

Result<void> bench_kafka(const BenchOptions& options) {
  start_logging("warning");
  const KafkaConnection connection = TRY(connection_of(options.kafka));
  double producer_alone = 0;
  TRY(run_engine_over_kafka(options, connection, false, producer_alone));
  return run_engine_over_kafka(options, connection, true, producer_alone);
}

Result<void> bench_kafka_peer(const BenchOptions& options) {
  const KafkaConnection connection = TRY(connection_of(options.kafka));
  BenchTopics topics(TRY(KafkaAdmin::make(connection)));
  BenchedEngine engine{.options = options,
                       .connection = connection,
                       .commands = kafka_topic_name(options.kafka.prefix, "commands"),
                       .decisions = kafka_topic_name(options.kafka.prefix, "decisions"),
                       .rule = DecisionReader::Rule::kEveryRecord,
                       .catch_up = [](size_t) { return Result<void>{}; }};
  for (const std::string& name : {engine.decisions, engine.commands}) {
    TRY(topics.create({name, options.kafka.partitions, 1, {}}));
  }
  Measured measured = TRY(Run::measure(engine));
  measured.row.bench = "kafka/peer";
  print_bench_row(measured.row, options.json);
  return {};
}

}  // namespace tenure
