#include "consumers/relay/kafka_event_topic.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <deque>
#include <thread>
#include <tuple>

#include "consumers/relay/cloud_event.h"
#include "engine/log/kafka_consumer.h"
#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

constexpr const char* kMarkHeader = "tenure-mark";

// As the log's own producer (engine/log/kafka_producer.cc), which says why.
constexpr std::initializer_list<KafkaSetting> kProducer = {
    {"enable.idempotence", "true"},
    {"enable.gapless.guarantee", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {"message.max.bytes", "10485760"},
    {"queue.buffering.max.messages", "1000000"},
    {"queue.buffering.max.kbytes", "1048576"},
    {"batch.num.messages", "100000"},
    {"batch.size", "1048576"},
    {"linger.ms", "5"},
    {"reconnect.backoff.max.ms", "1000"},
};
constexpr std::initializer_list<KafkaSetting> kConsumer = {
    {"check.crcs", "true"},
    {"auto.offset.reset", "error"},
    {"enable.auto.commit", "false"},
    {"enable.partition.eof", "false"},
};

constexpr size_t kMostUnderWay = 100'000;
constexpr size_t kMostBytesUnderWay = 64u << 20;
constexpr size_t kLargestMessage = 10'485'760 - 65'536;
constexpr int kRoundMs = 100;

// What a process that was killed had handed to its kernel may still arrive; the end counts once it
// did not move for so long.
constexpr auto kQuiet = std::chrono::milliseconds(250);
constexpr auto kPatience = std::chrono::seconds(10);

// mark := source " " offset ":" number ":" stamp " " number "/" index
std::string write_mark(const EventMark& mark, EventId id) {
  return fmt::format("{} {}:{}:{} {}/{}", mark.source, mark.position.next_offset.value,
                     mark.position.next_number.value, mark.position.stamp.value, id.number.value,
                     id.index);
}

std::optional<LastEvent> read_mark(std::string_view text) {
  LastEvent last;
  const size_t end = text.find(' ');
  if (end == std::string_view::npos) return std::nullopt;
  last.mark.source = text.substr(0, end);
  text.remove_prefix(end + 1);
  const auto take = [&](uint64_t& value, std::string_view behind) {
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<size_t>(at - text.data()));
    if (error != std::errc{} || !text.starts_with(behind)) return false;
    text.remove_prefix(behind.size());
    return true;
  };
  uint64_t index = 0;
  ReaderPosition& position = last.mark.position;
  if (!take(position.next_offset.value, ":") || !take(position.next_number.value, ":") ||
      !take(position.stamp.value, " ") || !take(last.id.number.value, "/") || !take(index, "") ||
      !text.empty()) {
    return std::nullopt;
  }
  last.id.index = static_cast<uint32_t>(index);
  return last;
}

// Looks at the end of the topic. With a client of its own: KafkaConsumer gives no headers.
class TopicEnd {
 public:
  using Extent = KafkaConsumer::Extent;

  static Result<TopicEnd> open(const KafkaConnection& connection, const std::string& name,
                               KafkaComplaints& complaints) {
    TopicEnd end(name, complaints);
    end.consumer_ = TRY(KafkaConsumer::make(connection, name));
    end.partitions_ = TRY(end.consumer_->topic()).partitions;
    end.client_ = TRY(make_kafka_client(KafkaRole::kConsumer, connection, complaints, kConsumer));
    end.topic_.reset(rd_kafka_topic_new(end.client_.get(), name.c_str(), nullptr));
    if (!end.topic_) return kafka_fail(rd_kafka_last_error(), "topic " + name);
    return end;
  }

  // Once nothing more arrives.
  Result<std::vector<Extent>> extents() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    std::vector<Extent> before = TRY(look());
    while (true) {
      std::this_thread::sleep_for(kQuiet);
      std::vector<Extent> now = TRY(look());
      if (std::ranges::equal(now, before, {}, &Extent::end, &Extent::end)) return now;
      before = std::move(now);
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(ErrorKind::kConflict,
                    "somebody publishes to topic " + name_ +
                        " already; one relay is all it takes: stop the other");
      }
    }
  }

  Result<LastEvent> message_at(int32_t partition, Offset offset) {
    const std::string where = fmt::format("topic {} partition {}", name_, partition);
    if (rd_kafka_consume_start(topic_.get(), partition, static_cast<int64_t>(offset.value)) != 0) {
      return kafka_fail(rd_kafka_last_error(), where);
    }
    const auto stop = [&](rd_kafka_message_t* message) {
      if (message != nullptr) rd_kafka_message_destroy(message);
      rd_kafka_consume_stop(topic_.get(), partition);
    };
    rd_kafka_message_t* raw = rd_kafka_consume(
        topic_.get(), partition, static_cast<int>(kPatience / std::chrono::milliseconds(1)));
    const std::unique_ptr<rd_kafka_message_t, decltype(stop)> message(raw, stop);
    if (!message) {
      stop(nullptr);
      return fail(ErrorKind::kUnavailable,
                  where + ": its last message does not come" + complaints_->last());
    }
    if (message->err) return kafka_fail(message->err, where);
    const auto last = mark_of(*message);
    if (last) return *last;
    return fail(ErrorKind::kInvalid, where +
                                         " ends with a message that is no event of a relay; "
                                         "name a topic that is only for these");
  }

 private:
  TopicEnd(std::string name, KafkaComplaints& complaints)
      : name_(std::move(name)), complaints_(&complaints) {}

  Result<std::vector<Extent>> look() {
    std::vector<Extent> found;
    for (PartitionId id{0}; id.value < partitions_; id = {id.value + 1}) {
      found.push_back(TRY(consumer_->extent(id)));
    }
    return found;
  }

  static std::optional<LastEvent> mark_of(const rd_kafka_message_t& message) {
    rd_kafka_headers_t* headers = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    if (rd_kafka_message_headers(&message, &headers) ||
        rd_kafka_header_get_last(headers, kMarkHeader, &value, &size)) {
      return std::nullopt;
    }
    return read_mark({static_cast<const char*>(value), size});
  }

  std::string name_;
  KafkaComplaints* complaints_;
  KafkaOwner<rd_kafka_t> client_;
  KafkaOwner<rd_kafka_topic_t> topic_;
  std::unique_ptr<KafkaConsumer> consumer_;
  uint32_t partitions_ = 0;
};

}  // namespace

struct EventTopic::Impl {
  // Messages of a partition are acknowledged in the order in which they were taken.
  struct Partition {
    std::optional<LastEvent> last;
    bool was_emptied = false;
    std::deque<uint64_t> under_way;  // which ones, counted over the topic
  };
  struct Sent {
    Impl* impl;
    uint32_t partition;
    std::string value;
  };

  std::string name;
  KafkaComplaints complaints;
  std::vector<Partition> partitions;
  uint64_t taken = 0;
  size_t bytes_under_way = 0, count_under_way = 0;
  std::optional<Error> failure;
  KafkaOwner<rd_kafka_t> client;

  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    const std::unique_ptr<Sent> sent(static_cast<Sent*>(message->_private));
    Impl& impl = *sent->impl;
    impl.bytes_under_way -= sent->value.size();
    --impl.count_under_way;
    if (message->err) {
      impl.failure = kafka_error(message->err, "an event was not acknowledged");
    } else if (!impl.failure) {
      impl.partitions[sent->partition].under_way.pop_front();
    }
  }

  Result<void> read_end(const KafkaConnection& connection) {
    TopicEnd end = TRY(TopicEnd::open(connection, name, complaints));
    const auto extents = TRY(end.extents());
    partitions.resize(extents.size());
    for (size_t id = 0; id < extents.size(); ++id) {
      const auto [begin, behind] = extents[id];
      if (begin < behind) {
        partitions[id].last =
            TRY(end.message_at(static_cast<int32_t>(id), Offset{behind.value - 1}));
      }
      partitions[id].was_emptied = begin == behind && behind.value > 0;
    }
    return {};
  }

  bool is_full() const {
    return count_under_way >= kMostUnderWay || bytes_under_way >= kMostBytesUnderWay;
  }
};

EventTopic::EventTopic(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<EventTopic>> EventTopic::open(const KafkaConnection& connection,
                                                     const std::string& topic) {
  auto impl = std::make_unique<Impl>();
  impl->name = topic;
  TRY(impl->read_end(connection));
  impl->client = TRY(make_kafka_client(
      KafkaRole::kProducer, connection, impl->complaints, kProducer,
      [](rd_kafka_conf_t* conf, void*) { rd_kafka_conf_set_dr_msg_cb(conf, Impl::on_report); }));
  return std::unique_ptr<EventTopic>(new EventTopic(std::move(impl)));
}

EventTopic::~EventTopic() {
  rd_kafka_purge(impl_->client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(impl_->client.get(), kKafkaPatienceMs);
}

uint32_t EventTopic::partitions() const { return static_cast<uint32_t>(impl_->partitions.size()); }

const std::optional<LastEvent>& EventTopic::last(uint32_t partition) const {
  return impl_->partitions[partition].last;
}

bool EventTopic::was_emptied(uint32_t partition) const {
  return impl_->partitions[partition].was_emptied;
}

Result<void> EventTopic::publish(uint32_t partition, std::string_view key, std::string value,
                                 EventId id, const EventMark& mark) {
  if (value.size() > kLargestMessage) {
    return fail(ErrorKind::kInvalid,
                fmt::format("event {}/{} has {} bytes as JSON, a message may "
                            "have {}; it is in the log, /v1/decisions shows it",
                            id.number.value, id.index, value.size(), kLargestMessage));
  }
  do {
    TRY(poll(impl_->is_full() ? kRoundMs : 0));
  } while (impl_->is_full());
  auto sent = std::make_unique<Impl::Sent>(impl_.get(), partition, std::move(value));
  const std::string marked = write_mark(mark, id);
  std::unique_ptr<rd_kafka_headers_t, decltype(&rd_kafka_headers_destroy)> headers(
      rd_kafka_headers_new(2), &rd_kafka_headers_destroy);
  rd_kafka_header_add(headers.get(), "content-type", -1, kCloudEventType.data(),
                      static_cast<ssize_t>(kCloudEventType.size()));
  rd_kafka_header_add(headers.get(), kMarkHeader, -1, marked.data(),
                      static_cast<ssize_t>(marked.size()));
  std::array<rd_kafka_vu_t, 6> fields{};
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = impl_->name.c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[1].u.i32 = static_cast<int32_t>(partition);
  fields[2].vtype = RD_KAFKA_VTYPE_KEY;
  fields[2].u.mem.ptr = const_cast<char*>(key.data());
  fields[2].u.mem.size = key.size();
  fields[3].vtype = RD_KAFKA_VTYPE_VALUE;  // in place: no flag to copy or to free
  fields[3].u.mem.ptr = sent->value.data();
  fields[3].u.mem.size = sent->value.size();
  fields[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[4].u.ptr = sent.get();
  fields[5].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[5].u.headers = headers.get();
  const std::unique_ptr<rd_kafka_error_t, decltype(&rd_kafka_error_destroy)> error(
      rd_kafka_produceva(impl_->client.get(), fields.data(), fields.size()),
      &rd_kafka_error_destroy);
  if (error) return kafka_fail(rd_kafka_error_code(error.get()), "an event was not sent");
  impl_->partitions[partition].under_way.push_back(impl_->taken++);
  impl_->bytes_under_way += sent->value.size();
  ++impl_->count_under_way;
  std::ignore = headers.release();  // the library has both now
  std::ignore = sent.release();
  return {};
}

Result<void> EventTopic::poll(int milliseconds) {
  rd_kafka_poll(impl_->client.get(), milliseconds);
  char text[512] = "";
  const auto fatal = rd_kafka_fatal_error(impl_->client.get(), text, sizeof text);
  if (fatal && !impl_->failure) {
    impl_->failure = kafka_error(fatal, fmt::format("the Kafka producer ended: {}", text));
  }
  if (impl_->failure) return std::unexpected(*impl_->failure);
  return {};
}

Result<void> EventTopic::flush() {
  while (impl_->count_under_way > 0) TRY(poll(kRoundMs));
  return {};
}

uint64_t EventTopic::taken() const { return impl_->taken; }

uint64_t EventTopic::acknowledged() const {
  uint64_t first = impl_->taken;
  for (const Impl::Partition& each : impl_->partitions) {
    if (!each.under_way.empty()) first = std::min(first, each.under_way.front());
  }
  return first;
}

}  // namespace tenure
