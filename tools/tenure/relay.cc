// `tenure relay`: publishes the events of a log as CloudEvents to a topic of Kafka, beside whoever
// writes there: nothing is locked.
#include "consumers/relay/relay.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "tools/server/logging.h"
#include "tools/tenure/log_source.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

// Looks at a log that stands still become rarer: each reads the end of the log anew.
constexpr int kShortestPauseMs = 20;
constexpr int kLongestPauseMs = 1'000;
// Records of one partition before the next has its turn.
constexpr size_t kTurn = 20'000;

volatile std::sig_atomic_t stop_wanted = 0;

struct Options {
  LogFlags log;
  std::string topic, metrics;
  bool once = false, from_beginning = false, json = false;
};

// Publishes what lies between the relay's position and the durable end; true if there was any.
Result<bool> publish_onward(LogSource& log, Relay& relay, PartitionId partition) {
  if (TRY(log.durable_end(partition)) <= relay.position(partition).next_offset) return false;
  auto cursor = TRY(log.read(partition, relay.position(partition).next_offset));
  for (size_t taken = 0; taken < kTurn && stop_wanted == 0; ++taken) {
    const auto record = TRY(cursor->next());
    if (!record) break;
    TRY(relay.take(partition, *record));
  }
  return true;
}

// For Prometheus' node_exporter, which reads such files: replaced as a whole.
Result<void> write_metrics(const std::string& path, LogSource& log, const Relay& relay,
                           uint64_t published) {
  if (path.empty()) return {};
  std::string text = fmt::format(
      "# HELP tenure_relay_events_total Events published since the relay started\n"
      "# TYPE tenure_relay_events_total counter\ntenure_relay_events_total {}\n"
      "# HELP tenure_relay_behind_records Records of the log that the relay has not read\n"
      "# TYPE tenure_relay_behind_records gauge\n",
      published);
  for (PartitionId id{0}; id.value < log.partitions(); id = {id.value + 1}) {
    const uint64_t end = TRY(log.durable_end(id)).value;
    const uint64_t at = relay.position(id).next_offset.value;
    text += fmt::format("tenure_relay_behind_records{{partition=\"{}\"}} {}\n", id.value,
                        end - std::min(end, at));
  }
  const std::string unfinished = path + ".new";
  std::ofstream file(unfinished, std::ios::trunc);
  file << text;
  file.close();
  if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return fail(ErrorKind::kIo, "cannot write " + path);
  }
  return {};
}

Result<void> publish_for_good(const Options& options, LogSource& log, Relay& relay) {
  int pause = kShortestPauseMs;
  while (stop_wanted == 0) {
    bool moved = false;
    for (PartitionId id{0}; id.value < log.partitions(); id = {id.value + 1}) {
      moved = TRY(publish_onward(log, relay, id)) || moved;
    }
    TRY(write_metrics(options.metrics, log, relay, relay.published()));
    if (moved) {
      pause = kShortestPauseMs;
    } else if (options.once) {
      break;
    } else {
      // poll() returns early when something is acknowledged; no matter.
      TRY(relay.topic().poll(pause));
      pause = std::min(2 * pause, kLongestPauseMs);
    }
  }
  return relay.topic().flush();
}

// What its events name as their source: the log and the partition.
Result<std::string> source_of(LogSource& log, PartitionId id) {
  std::string log_id = TRY(log.log_id(id));
  const std::string partition = std::to_string(id.value);
  if (!log_id.empty()) return std::move(log_id) + "/" + partition;
  return fail(ErrorKind::kNotFound,
              "partition " + partition + " of the log is empty: start `tenure serve` first");
}

Result<void> relay_events(const Options& options) {
  const auto log = TRY(open_log_source(options.log));
  const KafkaConnection connection = TRY(connection_of(options.log.kafka));
  const std::string topic =
      options.topic.empty() ? kafka_topic_name(options.log.kafka.prefix, "events") : options.topic;
  std::vector<std::string> sources;
  for (PartitionId id{0}; id.value < log->partitions(); id = {id.value + 1}) {
    sources.push_back(TRY(source_of(*log, id)));
  }
  const auto begin = options.from_beginning ? Relay::Begin::kBeginning : Relay::Begin::kUnknown;
  Relay relay =
      TRY(Relay::begin(TRY(EventTopic::open(connection, topic)), std::move(sources), begin));
  spdlog::info("event=relaying topic={} partitions={}", topic, log->partitions());
  TRY(publish_for_good(options, *log, relay));
  if (options.json) {
    std::printf("{\"published\":%lu}\n", static_cast<unsigned long>(relay.published()));
  } else {
    std::printf("%lu events published to %s\n", static_cast<unsigned long>(relay.published()),
                topic.c_str());
  }
  return {};
}

int run(const Options& options) {
  start_logging("info");
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { stop_wanted = 1; });
  const Result<void> done = relay_events(options);
  return done ? kExitOk : report(done.error());
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_log_options(app, options->log, "The data directory, unless the log is in Kafka");
  app.add_option("--topic", options->topic, "The topic to publish to; PREFIX.events");
  app.add_flag("--once", options->once, "End where the log ends now");
  app.add_flag("--from-beginning", options->from_beginning,
               "Publish all events again if the topic is empty because they passed its retention");
  app.add_option("--metrics", options->metrics, "A file for Prometheus' node_exporter");
  app.add_flag("--json", options->json, "The count at the end as JSON");
  return [options] { return run(*options); };
}

const Subcommand kRelay("relay", "Publish the events of a log as CloudEvents to Kafka", configure);

}  // namespace
}  // namespace tenure
