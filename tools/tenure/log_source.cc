#include "tools/tenure/log_source.h"

#include <cstring>
#include <deque>

#include "engine/log/kafka_consumer.h"
#include "engine/log/segment_format.h"
#include "engine/log/segment_reader.h"
#include "schemas/decision_generated.h"
#include "tools/server/data_directory.h"

namespace tenure {
namespace {

// Opened anew for each look, as a log in files is read as of when it was opened.
class SegmentSource final : public LogSource {
 public:
  explicit SegmentSource(std::string directory) : directory_(std::move(directory)) {}
  uint32_t partitions() const override { return 1; }
  Result<std::string> log_id(PartitionId) override { return to_text(TRY(open()).log_id()); }
  Result<Offset> durable_end(PartitionId) override { return TRY(open()).durable_end(); }
  Result<std::unique_ptr<RecordCursor>> read(PartitionId, Offset from) override {
    return TRY(open()).read(from);
  }

 private:
  Result<SegmentReader> open() const {
    return SegmentReader::open(posix_file_system(), directory_, SegmentReader::Tail::kSync);
  }
  const std::string directory_;
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
  // The first claim's.
  Result<std::string> log_id(PartitionId partition) override {
    const auto first = TRY(consumer_->value_at(partition, Offset{0}));
    if (!first) {
      return fail(ErrorKind::kNotFound, "partition " + std::to_string(partition.value) +
                                            " of the log is empty: start `tenure serve` first");
    }
    const ParsedRecord parsed = parse_record(*first);
    AlignedBytes claim;
    std::memcpy(claim.grow(parsed.payload.size()), parsed.payload.data(), parsed.payload.size());
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(claim.view().data()),
                                   claim.view().size());
    if (parsed.status != RecordStatus::kOk || parsed.prefix.kind != RecordKind::kClaim ||
        !verifier.VerifyBuffer<schema::Claim>(nullptr)) {
      return fail(ErrorKind::kCorrupt,
                  "the topic does not begin with a claim: it is no tenure log");
    }
    return flatbuffers::GetRoot<schema::Claim>(claim.view().data())->log_id()->str();
  }
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

}  // namespace

Result<std::unique_ptr<LogSource>> open_log_source(const LogFlags& flags) {
  if (flags.is_kafka()) return open_topic(flags.kafka);
  const DataDirectory data = TRY(DataDirectory::existing(flags.data));
  return std::make_unique<SegmentSource>(data.log());
}

}  // namespace tenure
