#include "engine/log/kafka_consumer.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>

#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

constexpr std::initializer_list<KafkaSetting> kSettings = {
    {"check.crcs", "true"},
    // Where the log should go on and does not, something was lost: never to be stepped over.
    {"auto.offset.reset", "error"},
    {"enable.auto.commit", "false"},
    {"enable.partition.eof", "false"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "50"},
    // Of each partition, and only while it catches up. A full queue makes the library pause, so
    // with 8 MiB a new mirror is filled at a third of the pace.
    {"fetch.message.max.bytes", "1048576"},
    {"queued.min.messages", "1000000"},
    {"queued.max.messages.kbytes", "65536"},
    {"reconnect.backoff.max.ms", "1000"},
};

// As many as are taken from the queue at once.
constexpr size_t kMostMessages = 8192;

int32_t number_of(PartitionId partition) { return static_cast<int32_t>(partition.value); }

}  // namespace

struct KafkaConsumer::Impl {
  KafkaConnection connection;
  std::string name;
  KafkaComplaints complaints;
  // Questions go by a client of their own: a broker answers one request of a connection after the
  // other, and behind a fetch that waits for records each would take its 100 ms.
  struct Client {
    KafkaOwner<rd_kafka_t> handle;
    KafkaOwner<rd_kafka_topic_t> topic;
  };
  Client fetching, asking;
  KafkaOwner<rd_kafka_queue_t> queue;
  std::array<rd_kafka_message_t*, kMostMessages> messages;

  std::string place(PartitionId partition) const {
    return fmt::format("topic {} partition {}", name, partition.value);
  }
  Result<Client> make_client();
  Result<void> start(const Client& client, PartitionId partition, Offset from,
                     rd_kafka_queue_t* into) const;
  KafkaMessage message_of(const rd_kafka_message_t& message) const;
  // One record, of a partition that is being read into a queue of its own.
  Result<std::optional<std::vector<std::byte>>> first_of(rd_kafka_queue_t* own, Offset offset,
                                                         const std::string& where);
};

KafkaConsumer::KafkaConsumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaConsumer::~KafkaConsumer() = default;

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::make(const KafkaConnection& connection,
                                                           const std::string& topic) {
  auto impl = std::make_unique<Impl>();
  impl->connection = connection;
  impl->name = topic;
  impl->fetching = TRY(impl->make_client());
  impl->asking = TRY(impl->make_client());
  impl->queue.reset(rd_kafka_queue_new(impl->fetching.handle.get()));
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(impl)));
}

Result<KafkaConsumer::Impl::Client> KafkaConsumer::Impl::make_client() {
  Client made;
  made.handle = TRY(make_kafka_client(KafkaRole::kConsumer, connection, complaints, kSettings));
  made.topic.reset(rd_kafka_topic_new(made.handle.get(), name.c_str(), nullptr));
  if (!made.topic) return kafka_fail(rd_kafka_last_error(), "topic " + name);
  return made;
}

Result<KafkaConsumer::Topic> KafkaConsumer::topic() const {
  const auto metadata = TRY(kafka_metadata(*impl_->asking.handle, impl_->asking.topic.get(),
                                           impl_->connection, impl_->complaints));
  const rd_kafka_metadata_topic_t& topic = metadata->topics[0];
  if (topic.err) return kafka_fail(topic.err, "topic " + impl_->name);
  char* id = rd_kafka_clusterid(impl_->asking.handle.get(), kKafkaPatienceMs);
  if (!id) return fail(ErrorKind::kUnavailable, "the Kafka cluster does not tell its id");
  Topic found{id, static_cast<uint32_t>(topic.partition_cnt)};
  rd_kafka_mem_free(impl_->asking.handle.get(), id);
  return found;
}

Result<KafkaConsumer::Extent> KafkaConsumer::extent(PartitionId partition) const {
  const KafkaOffsets held =
      TRY(kafka_offsets(*impl_->asking.handle, impl_->name, number_of(partition),
                        impl_->place(partition), impl_->complaints));
  return Extent{{static_cast<uint64_t>(held.begin)}, {static_cast<uint64_t>(held.end)}};
}

Result<void> KafkaConsumer::Impl::start(const Client& client, PartitionId partition, Offset from,
                                        rd_kafka_queue_t* into) const {
  if (rd_kafka_consume_start_queue(client.topic.get(), number_of(partition),
                                   static_cast<int64_t>(from.value), into) == 0) {
    return {};
  }
  return kafka_fail(rd_kafka_last_error(), "cannot read " + place(partition));
}

KafkaMessage KafkaConsumer::Impl::message_of(const rd_kafka_message_t& message) const {
  KafkaMessage out{.partition = {static_cast<uint32_t>(message.partition)},
                   .offset = {static_cast<uint64_t>(message.offset)},
                   .value = {},
                   .error = {}};
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    out.value = {static_cast<const std::byte*>(message.payload), message.len};
    return out;
  }
  const char* text = rd_kafka_message_errstr(&message);
  out.error = kafka_error(message.err, place(out.partition) + ": " + (text ? text : ""));
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
      message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    out.error->kind = ErrorKind::kCorrupt;
  }
  return out;
}

Result<std::optional<std::vector<std::byte>>> KafkaConsumer::Impl::first_of(
    rd_kafka_queue_t* own, Offset offset, const std::string& where) {
  rd_kafka_message_t* message = rd_kafka_consume_queue(own, kKafkaPatienceMs);
  if (!message) {
    return fail(ErrorKind::kUnavailable, fmt::format("{}: the record at offset {} does not come{}",
                                                     where, offset.value, complaints.last()));
  }
  const KafkaMessage found = message_of(*message);
  Result<std::optional<std::vector<std::byte>>> value = std::nullopt;
  if (found.error && found.error->kind != ErrorKind::kCorrupt) {
    value = std::unexpected(*found.error);
  } else if (!found.error && found.offset == offset) {
    value = std::vector(found.value.begin(), found.value.end());
  }
  rd_kafka_message_destroy(message);
  return value;
}

Result<std::optional<std::vector<std::byte>>> KafkaConsumer::value_at(PartitionId partition,
                                                                      Offset offset) {
  const Extent extent = TRY(this->extent(partition));
  if (offset < extent.begin || offset >= extent.end) return std::nullopt;
  KafkaOwner<rd_kafka_queue_t> own(rd_kafka_queue_new(impl_->asking.handle.get()));
  TRY(impl_->start(impl_->asking, partition, offset, own.get()));
  auto value = impl_->first_of(own.get(), offset, impl_->place(partition));
  rd_kafka_consume_stop(impl_->asking.topic.get(), number_of(partition));
  return value;
}

Result<void> KafkaConsumer::start(PartitionId partition, Offset from) {
  return impl_->start(impl_->fetching, partition, from, impl_->queue.get());
}

void KafkaConsumer::stop(PartitionId partition) {
  rd_kafka_consume_stop(impl_->fetching.topic.get(), number_of(partition));
}

// A batch is waited for until it is full, so the first message is waited for alone.
bool KafkaConsumer::poll(std::chrono::milliseconds patience,
                         const std::function<void(const KafkaMessage&)>& take) {
  rd_kafka_message_t* message =
      rd_kafka_consume_queue(impl_->queue.get(), static_cast<int>(patience.count()));
  if (!message) return false;
  take(impl_->message_of(*message));
  rd_kafka_message_destroy(message);
  const ssize_t count = rd_kafka_consume_batch_queue(impl_->queue.get(), 0, impl_->messages.data(),
                                                     impl_->messages.size());
  for (ssize_t i = 0; i < count; ++i) {
    message = impl_->messages[static_cast<size_t>(i)];
    take(impl_->message_of(*message));
    rd_kafka_message_destroy(message);
  }
  return true;
}

}  // namespace tenure
