#include "tools/tenure/offline.h"

#include "engine/log/kafka_log.h"
#include "engine/log/log_directory.h"

namespace tenure {
namespace {

Result<OfflineData> open_over_kafka(const LogFlags& flags, const std::string& command) {
  OfflineData offline{
      .data = TRY(DataDirectory::existing(flags.data, true)), .log = {}, .partitions = {}};
  for (uint32_t id = 0; id < flags.kafka.partitions; ++id) offline.partitions.push_back({id});
  KafkaLogOptions options;
  options.connection = TRY(connection_of(flags.kafka));
  options.topic = kafka_topic_name(flags.kafka.prefix, "log");
  options.partitions = flags.kafka.partitions;
  options.follow = offline.partitions;
  options.mirror.directory = offline.data.mirror();
  options.mirror.holder = lock_holder(command, "");
  offline.log = TRY(KafkaLog::open(std::move(options)));
  return offline;
}

}  // namespace

Result<OfflineData> open_offline(const LogFlags& flags, std::string command) {
  if (flags.is_kafka()) return open_over_kafka(flags, command);
  DataDirectory data = TRY(DataDirectory::existing(flags.data));
  SegmentOptions options;
  options.directory = data.log();
  options.own_thread = false;
  options.command = std::move(command);
  auto log = TRY(SegmentLog::open(std::move(options)));
  const SegmentLog* segments = log.get();
  return OfflineData{std::move(data), std::move(log), {PartitionId{}}, segments};
}

}  // namespace tenure
