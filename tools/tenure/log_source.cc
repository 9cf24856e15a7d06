#include "tools/tenure/log_source.h"

#include <cstring>
#include <deque>
#include <filesystem>
#include <vector>

#include "engine/log/kafka_consumer.h"
#include "engine/log/log_id.h"
#include "engine/log/segment_reader.h"
#include "tools/server/data_directory.h"

namespace tenure {
namespace {

// Opened anew for each look, as a log in files is read as of when it was opened.
class SegmentSource final : public LogSource {
 public:
  // A directory for each partition; `mirrors`: of partitions of a log over Kafka.
  SegmentSource(std::vector<std::string> directories, bool mirrors)
      : directories_(std::move(directories)), mirrors_(mirrors) {}
  uint32_t partitions() const override { return static_cast<uint32_t>(directories_.size()); }
  Result<Offset> durable_end(PartitionId partition) override {
    return TRY(open(partition)).durable_end();
  }
  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override {
    return TRY(open(partition)).read(from);
  }
  Result<Offset> find(PartitionId partition, Number number) override {
    return TRY(open(partition)).find(number);
  }
  Result<std::string> log_id(PartitionId partition) override {
    if (mirrors_) return LogSource::log_id(partition);
    return to_text(TRY(open(partition)).log_id());
  }

 private:
  Result<SegmentReader> open(PartitionId partition) const {
    return SegmentReader::open(posix_file_system(), directories_[partition.value],
                               SegmentReader::Tail::kSync);
  }
  const std::vector<std::string> directories_;
  const bool mirrors_;
};

// What lies in a partition of the topic between two offsets.
class TopicCursor final : public RecordCursor {
 public:
  TopicCursor(KafkaConsumer& consumer, PartitionId partition, Offset next, Offset end)
      : consumer_(consumer), partition_(partition), next_(next), end_(end) {}
  ~TopicCursor() override { consumer_.stop(partition_); }

  Result<std::optional<RawRecord>> next() override {
    if (next_ >= end_) return std::nullopt;
    TRY(fetch());
    current_ = std::move(fetched_.front());
    fetched_.pop_front();
    const ParsedRecord parsed = parse_record(current_.view());
    const RawRecord record{next_, parsed.prefix, parsed.status, parsed.payload};
    next_ = next_.next();
    return record;
  }

 private:
  // Waits until there is one.
  Result<void> fetch() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    std::optional<Error> error;
    while (fetched_.empty()) {
      consumer_.poll(kRound, [&](const KafkaMessage& message) { take(message, error); });
      if (error && error->kind == ErrorKind::kCorrupt) return std::unexpected(*error);
      if (std::chrono::steady_clock::now() < deadline) continue;
      if (error) return std::unexpected(*error);
      return fail(ErrorKind::kUnavailable, "the Kafka brokers do not send offset " +
                                               std::to_string(next_.value) + " of partition " +
                                               std::to_string(partition_.value));
    }
    return {};
  }

  // In memory that is aligned as readers need it.
  void take(const KafkaMessage& message, std::optional<Error>& error) {
    if (message.partition != partition_) return;  // of a cursor before this one
    error = message.error;
    if (error || message.offset.value != next_.value + fetched_.size()) return;
    AlignedBytes copy;
    std::memcpy(copy.grow(message.value.size()), message.value.data(), message.value.size());
    fetched_.push_back(std::move(copy));
  }

  static constexpr std::chrono::milliseconds kRound{100};
  static constexpr std::chrono::seconds kPatience{30};

  KafkaConsumer& consumer_;
  const PartitionId partition_;
  Offset next_;
  const Offset end_;
  std::deque<AlignedBytes> fetched_;
  AlignedBytes current_;
};

class TopicSource final : public LogSource {
 public:
  TopicSource(std::unique_ptr<KafkaConsumer> consumer, uint32_t partitions)
      : consumer_(std::move(consumer)), partitions_(partitions) {}
  uint32_t partitions() const override { return partitions_; }
  Result<Offset> durable_end(PartitionId partition) override {
    return TRY(consumer_->extent(partition)).end;
  }
  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override {
    const auto extent = TRY(consumer_->extent(partition));
    if (from < extent.begin) {
      return fail(ErrorKind::kCorrupt, "partition " + std::to_string(partition.value) +
                                           " of the topic begins at offset " +
                                           std::to_string(extent.begin.value) +
                                           ": records were lost; restore it from a backup");
    }
    TRY(consumer_->start(partition, from));
    return std::make_unique<TopicCursor>(*consumer_, partition, from, extent.end);
  }
  Result<Offset> find(PartitionId, Number) override {
    return fail(ErrorKind::kInvalid,
                "the topic is read from its beginning alone; for a part of the log name the data "
                "directory of a process that follows it with --data, without --log kafka");
  }

 private:
  const std::unique_ptr<KafkaConsumer> consumer_;
  const uint32_t partitions_;
};

Result<std::unique_ptr<LogSource>> open_topic(const KafkaFlags& flags) {
  auto consumer =
      TRY(KafkaConsumer::make(TRY(connection_of(flags)), kafka_topic_name(flags.prefix, "log")));
  const uint32_t partitions = TRY(consumer->topic()).partitions;
  return std::make_unique<TopicSource>(std::move(consumer), partitions);
}

// Of every partition, from 0 on. A claim says how many there are.
Result<std::vector<std::string>> mirrors_in(const DataDirectory& data) {
  std::vector<std::string> found;
  uint32_t partitions = 1;
  for (PartitionId id{0};; id = {id.value + 1}) {
    std::error_code error;
    const std::string directory = data.mirror_of(id);
    if (!std::filesystem::is_directory(directory, error)) {
      if (id.value >= partitions) return found;
      return fail(ErrorKind::kNotFound, "there is no " + directory + ", though the log has " +
                                            std::to_string(partitions) +
                                            " partitions: take the directory of another process");
    }
    const auto reader =
        TRY(SegmentReader::open(posix_file_system(), directory, SegmentReader::Tail::kSync));
    const auto claimed = TRY(partitions_of_log(*TRY(reader.read(Offset{0}))));
    partitions = std::max(partitions, claimed.value_or(0));
    found.push_back(directory);
  }
}

}  // namespace

Result<std::unique_ptr<LogSource>> open_log_source(const LogFlags& flags) {
  if (flags.is_kafka()) return open_topic(flags.kafka);
  const DataDirectory data = TRY(DataDirectory::existing(flags.data));
  return std::make_unique<SegmentSource>(std::vector{data.log()}, false);
}

Result<std::unique_ptr<LogSource>> open_log_or_mirror(const std::string& root) {
  const bool of_kafka = DataDirectory::existing(root, true).has_value();
  const DataDirectory data = TRY(DataDirectory::existing(root, of_kafka));
  std::vector<std::string> directories;
  if (of_kafka) {
    directories = TRY(mirrors_in(data));
  } else {
    directories.push_back(data.log());
  }
  return std::make_unique<SegmentSource>(std::move(directories), of_kafka);
}

Result<std::string> LogSource::log_id(PartitionId partition) {
  return log_id_of(*TRY(read(partition, Offset{0})));
}

}  // namespace tenure
