#include "tools/tenure/bench_relay.h"

#include <chrono>
#include <filesystem>

#include "consumers/relay/cloud_event.h"
#include "consumers/relay/relay.h"
#include "engine/base/murmur2.h"
#include "engine/log/kafka_topics.h"
#include "engine/log/segment_snapshot.h"
#include "tools/server/logging.h"
#include "tools/tenure/bench_engine_run.h"
#include "tools/tenure/bench_topics.h"

namespace tenure {
namespace {

using Steady = std::chrono::steady_clock;

// The messages of the producer alone lie in memory, some 700 bytes each.
constexpr size_t kMostCommands = 500'000;

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

Result<void> write_log(const BenchOptions& options, const std::string& directory) {
  HostOptions host_options;
  host_options.data_directory = directory;
  host_options.follow = false;
  auto host = TRY(EngineHost::open(host_options));
  BenchWorkload workload(options.organizations, 7);
  CommandArena commands;
  workload.add_setup(commands);
  workload.add_mix(commands, std::min(options.commands, kMostCommands));
  TRY(run_engine(*host, commands, 0, commands.size(), 8192, false));
  return host->close();
}

struct Message {
  uint32_t partition;
  std::string key, value;
  EventId id;
};

Result<std::vector<Message>> messages_of(SegmentSnapshot& log, const std::string& source,
                                         uint32_t partitions) {
  std::vector<Message> messages;
  LogReader reader(TRY(log.read(PartitionId{}, Offset{0})), {});
  while (const auto record = TRY(reader.next())) {
    const auto& decision = *flatbuffers::GetRoot<schema::Decision>(record->payload.data());
    if (decision.events() == nullptr) continue;
    const std::string org = decision.command_nested_root()->org()->str();
    for (uint32_t index = 0; index < decision.events()->size(); ++index) {
      Message message{partition_of(org, partitions), org, {}, {record->number, index}};
      append_cloud_event(source, {PartitionId{}, record->number}, index, decision, message.value);
      messages.push_back(std::move(message));
    }
  }
  return messages;
}

// -> acknowledged events a second.
Result<double> relay_all(SegmentSnapshot& log, const std::string& source,
                         std::unique_ptr<EventTopic> topic) {
  Relay relay = TRY(Relay::begin(std::move(topic), {source}, Relay::Begin::kBeginning));
  const auto begin = Steady::now();
  auto cursor = TRY(log.read(PartitionId{}, Offset{0}));
  while (const auto record = TRY(cursor->next())) TRY(relay.take(PartitionId{}, *record));
  TRY(relay.topic().flush());
  return static_cast<double>(relay.published()) / seconds_since(begin);
}

Result<double> produce_all(std::vector<Message> messages, const std::string& source,
                           std::unique_ptr<EventTopic> topic) {
  const EventMark mark{source, {}};
  const auto begin = Steady::now();
  for (Message& each : messages) {
    TRY(topic->publish(each.partition, each.key, std::move(each.value), each.id, mark));
  }
  TRY(topic->flush());
  return static_cast<double>(messages.size()) / seconds_since(begin);
}

}  // namespace

// A broker compiles as it runs, so a first round warms it and does not count.
Result<void> bench_relay(const BenchOptions& options) {
  start_logging("warning");
  const KafkaConnection connection = TRY(connection_of(options.kafka));
  const std::string directory = options.directory + "/log";
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  TRY(write_log(options, directory));
  const auto log = TRY(SegmentSnapshot::open(posix_file_system(), directory + "/log"));
  const std::string source = log->log_id() + "/0";
  const auto messages = TRY(messages_of(*log, source, options.kafka.partitions));
  size_t bytes = 0;
  for (const Message& each : messages) bytes += each.value.size();
  BenchTopics topics(TRY(KafkaAdmin::make(connection)));
  const auto make_topic = [&](const std::string& name) -> Result<std::unique_ptr<EventTopic>> {
    const std::string topic = kafka_topic_name(options.kafka.prefix, name);
    TRY(topics.create({topic, options.kafka.partitions, 1, {}}));
    return EventTopic::open(connection, topic);
  };
  (void)TRY(produce_all(messages, source, TRY(make_topic("warm-up"))));
  BenchRow row;
  row.bench = "relay";
  row.per_s = TRY(relay_all(*log, source, TRY(make_topic("relayed"))));
  row.probe = "producer alone";
  row.probe_per_s = TRY(produce_all(messages, source, TRY(make_topic("produced"))));
  row.more = {
      {"events", static_cast<double>(messages.size())},
      {"bytes_per_event", static_cast<double>(bytes) / static_cast<double>(messages.size())}};
  print_bench_row(row, options.json);
  return {};
}

}  // namespace tenure
