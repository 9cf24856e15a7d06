#include "tools/server/kafka_group.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>

#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

// How long a member that leaves waits for the end of a join.
constexpr std::chrono::seconds kJoinPatience{3};
constexpr int kJoinStepMs = 50;
constexpr std::initializer_list<KafkaSetting> kSettings = {
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    // A group that has no offset, or one that the topic has forgotten: from what is there. Commands
    // that were decided are absorbed by their ids.
    {"auto.offset.reset", "earliest"},
    {"check.crcs", "true"},
    {"enable.partition.eof", "false"},
    {"heartbeat.interval.ms", "500"},
    // Where the member stands is told by the statistics alone, and it waits for them to leave.
    {"statistics.interval.ms", "100"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "50"},
    // Of all partitions together, as they share a queue. This library looks again only after a
    // second whether a full queue has room (measured: with 20,000 messages, 50 k/s and no more), so
    // it must hold what a second takes.
    {"queued.min.messages", "1000000"},
    {"queued.max.messages.kbytes", "131072"},
    {"reconnect.backoff.max.ms", "1000"},
};

constexpr int kSeekMs = 2'000;
// As many as are taken from the queue at once: one by one, each costs two locks and a wait.
constexpr size_t kMostMessages = 256;

using List = std::unique_ptr<rd_kafka_topic_partition_list_t,
                             decltype(&rd_kafka_topic_partition_list_destroy)>;
List list_of(int size) {
  return {rd_kafka_topic_partition_list_new(size), &rd_kafka_topic_partition_list_destroy};
}
std::vector<PartitionId> partitions_of(const rd_kafka_topic_partition_list_t& list) {
  std::vector<PartitionId> all;
  all.reserve(static_cast<size_t>(list.cnt));
  for (int i = 0; i < list.cnt; ++i) {
    all.push_back({static_cast<uint32_t>(list.elems[i].partition)});
  }
  return all;
}
using Owned = std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)>;
int32_t number_of(PartitionId partition) { return static_cast<int32_t>(partition.value); }

void read(const rd_kafka_message_t& message, KafkaIncoming& incoming) {
  incoming.partition = {static_cast<uint32_t>(message.partition)};
  incoming.offset = {static_cast<uint64_t>(message.offset)};
  incoming.key = {static_cast<const char*>(message.key), message.key_len};
  incoming.value = {static_cast<const char*>(message.payload), message.len};
  rd_kafka_timestamp_type_t type;
  incoming.timestamp_ms = std::max<int64_t>(0, rd_kafka_message_timestamp(&message, &type));
  incoming.headers.clear();
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    incoming.headers.emplace_back(name, std::string_view(static_cast<const char*>(value), size));
  }
}

}  // namespace

std::string_view KafkaIncoming::header(std::string_view name) const {
  std::string_view found;
  for (const auto& [key, value] : headers) {
    if (key == name) found = value;
  }
  return found;
}

// The library's one pointer for all callbacks is to the base.
struct KafkaGroup::Impl : KafkaComplaints {
  std::string topic;
  Hooks hooks;
  KafkaOwner<rd_kafka_t> client;
  KafkaOwner<rd_kafka_queue_t> queue;
  std::array<rd_kafka_message_t*, kMostMessages> messages;
  KafkaIncoming incoming;
  bool closed = false;
  bool assigned_once = false;
  bool steady = false;  // a member, and no join is under way; as the library said last

  static Impl& of(void* opaque) {
    return static_cast<Impl&>(*static_cast<KafkaComplaints*>(opaque));
  }
  static void on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t* list, void* opaque) {
    Impl& self = of(opaque);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      self.assigned_once = true;
      return self.assigned(*list);
    }
    if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) return self.revoked(*list);
    self.hooks.on_error(kafka_error(code, "rebalance of the group"));
    rd_kafka_assign(self.client.get(), nullptr);
  }
  static void on_commit(rd_kafka_t*, rd_kafka_resp_err_t code,
                        rd_kafka_topic_partition_list_t* list, void* opaque) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET) return;
    Impl& self = of(opaque);
    self.hooks.on_error(kafka_error(code, "offsets of the group not committed"));
    if (list) self.hooks.on_commit_failed(partitions_of(*list));
  }

  static int on_statistics(rd_kafka_t*, char* json, size_t size, void* opaque) {
    of(opaque).steady = std::string_view(json, size).contains(R"("join_state": "steady")");
    return 0;  // the library frees it
  }

  void assigned(rd_kafka_topic_partition_list_t& list);
  void revoked(rd_kafka_topic_partition_list_t& list);
  void report(rd_kafka_error_t* error, const char* what);
  void give(rd_kafka_message_t* given, const std::function<void(KafkaIncoming&)>& take);
  List one(PartitionId partition) const;
  List list(const Offsets& offsets) const;
};

// They are assigned at an offset of no meaning and paused: begin() seeks. What is fetched between
// the two calls is not given, as the intake has not begun the partition.
void KafkaGroup::Impl::assigned(rd_kafka_topic_partition_list_t& list) {
  for (int i = 0; i < list.cnt; ++i) list.elems[i].offset = 0;
  report(rd_kafka_incremental_assign(client.get(), &list), "assign");
  rd_kafka_pause_partitions(client.get(), &list);
  hooks.on_assigned(partitions_of(list));
}

void KafkaGroup::Impl::revoked(rd_kafka_topic_partition_list_t& list) {
  hooks.on_revoked(partitions_of(list), rd_kafka_assignment_lost(client.get()) != 0);
  report(rd_kafka_incremental_unassign(client.get(), &list), "unassign");
}

void KafkaGroup::Impl::report(rd_kafka_error_t* error, const char* what) {
  if (!error) return;
  hooks.on_error({ErrorKind::kUnavailable, fmt::format("{} partitions of topic {}: {}", what, topic,
                                                       rd_kafka_error_string(error))});
  rd_kafka_error_destroy(error);
}

List KafkaGroup::Impl::one(PartitionId partition) const {
  List made = list_of(1);
  rd_kafka_topic_partition_list_add(made.get(), topic.c_str(), number_of(partition));
  return made;
}

List KafkaGroup::Impl::list(const Offsets& offsets) const {
  List made = list_of(static_cast<int>(offsets.size()));
  for (const auto& [partition, offset] : offsets) {
    rd_kafka_topic_partition_list_add(made.get(), topic.c_str(), number_of(partition))->offset =
        static_cast<int64_t>(offset.value);
  }
  return made;
}

KafkaGroup::KafkaGroup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaGroup::~KafkaGroup() {
  close();
  // librdkafka up to 2.2 aborts when a client is destroyed that was never given an assignment (its
  // issue 4312). Its threads use all of this, so all of it stays.
  constexpr int kMended = 0x020300ff;
  if (!impl_->assigned_once && rd_kafka_version() < kMended) std::ignore = impl_.release();
}

Result<std::unique_ptr<KafkaGroup>> KafkaGroup::make(const Options& options, Hooks hooks) {
  auto impl = std::make_unique<Impl>();
  impl->topic = options.topic;
  impl->hooks = std::move(hooks);
  KafkaConnection connection = options.connection;
  const auto set = [&](const char* name, std::string value) {
    connection.properties.emplace_back(name, std::move(value));
  };
  set("group.id", options.group);
  set("session.timeout.ms", std::to_string(options.session_timeout.count()));
  set("max.poll.interval.ms", std::to_string(options.max_poll_interval.count()));
  impl->client = TRY(make_kafka_client(KafkaRole::kConsumer, connection, *impl, kSettings,
                                       [](rd_kafka_conf_t* conf, void*) {
                                         rd_kafka_conf_set_rebalance_cb(conf, Impl::on_rebalance);
                                         rd_kafka_conf_set_offset_commit_cb(conf, Impl::on_commit);
                                         rd_kafka_conf_set_stats_cb(conf, Impl::on_statistics);
                                       }));
  rd_kafka_poll_set_consumer(impl->client.get());
  impl->queue.reset(rd_kafka_queue_get_consumer(impl->client.get()));
  std::unique_ptr<KafkaGroup> made(new KafkaGroup(std::move(impl)));
  const List topics = made->impl_->one({static_cast<uint32_t>(RD_KAFKA_PARTITION_UA)});
  if (const auto code = rd_kafka_subscribe(made->impl_->client.get(), topics.get())) {
    return kafka_fail(code, "subscribe to topic " + options.topic);
  }
  return made;
}

void KafkaGroup::Impl::give(rd_kafka_message_t* given,
                            const std::function<void(KafkaIncoming&)>& take) {
  const Owned message(given, &rd_kafka_message_destroy);
  if (message->err) {
    const char* text = rd_kafka_message_errstr(message.get());
    hooks.on_error(
        kafka_error(message->err, fmt::format("topic {}: {}{}", topic, text ? text : "", last())));
    return;
  }
  read(*message, incoming);
  take(incoming);
}

// A batch is waited for until it is full, so the first message is waited for alone.
bool KafkaGroup::poll(std::chrono::milliseconds patience,
                      const std::function<void(KafkaIncoming&)>& take) {
  rd_kafka_message_t* first =
      rd_kafka_consumer_poll(impl_->client.get(), static_cast<int>(patience.count()));
  if (!first) return false;
  impl_->give(first, take);
  const ssize_t count = rd_kafka_consume_batch_queue(impl_->queue.get(), 0, impl_->messages.data(),
                                                     impl_->messages.size());
  for (ssize_t i = 0; i < count; ++i) impl_->give(impl_->messages[static_cast<size_t>(i)], take);
  return true;
}

void KafkaGroup::wake() { rd_kafka_queue_yield(impl_->queue.get()); }

Result<std::optional<Offset>> KafkaGroup::committed(PartitionId partition) {
  const List list = impl_->one(partition);
  auto code = rd_kafka_committed(impl_->client.get(), list.get(), kKafkaPatienceMs);
  if (!code) code = list->elems[0].err;
  if (code) return kafka_fail(code, "the group's offset" + impl_->last());
  const int64_t offset = list->elems[0].offset;
  if (offset < 0) return std::nullopt;
  return Offset{static_cast<uint64_t>(offset)};
}

// A partition that was just assigned cannot be sought in until the library has begun with it.
Result<void> KafkaGroup::begin(PartitionId partition, Offset from) {
  const List list = impl_->list({{partition, from}});
  const std::unique_ptr<rd_kafka_error_t, decltype(&rd_kafka_error_destroy)> error(
      rd_kafka_seek_partitions(impl_->client.get(), list.get(), kSeekMs), &rd_kafka_error_destroy);
  auto code = error ? rd_kafka_error_code(error.get()) : list->elems[0].err;
  if (!code) code = rd_kafka_resume_partitions(impl_->client.get(), list.get());
  if (!code) return {};
  return fail(ErrorKind::kUnavailable,
              fmt::format("partition {} of topic {} cannot begin: {}", partition.value,
                          impl_->topic, rd_kafka_err2str(code)));
}

void KafkaGroup::pause(PartitionId partition) {
  rd_kafka_pause_partitions(impl_->client.get(), impl_->one(partition).get());
}

void KafkaGroup::commit(const Offsets& offsets) {
  rd_kafka_commit(impl_->client.get(), impl_->list(offsets).get(), 1);
}

Result<void> KafkaGroup::commit_and_wait(const Offsets& offsets) {
  const auto code = rd_kafka_commit(impl_->client.get(), impl_->list(offsets).get(), 0);
  if (code) return kafka_fail(code, "offsets of the group not committed");
  return {};
}

bool KafkaGroup::lost() const { return rd_kafka_assignment_lost(impl_->client.get()) != 0; }

void KafkaGroup::close() {
  if (std::exchange(impl_->closed, true)) return;
  // Who leaves while it joins, the first time or again, is not heard: the broker answers the join
  // before it reads on. The group would wait a session for it.
  const auto end = std::chrono::steady_clock::now() + kJoinPatience;
  impl_->steady = false;
  while (!impl_->steady && std::chrono::steady_clock::now() < end) {
    if (auto* message = rd_kafka_consume_queue(impl_->queue.get(), kJoinStepMs)) {
      rd_kafka_message_destroy(message);
    }
  }
  // Only closed, librdkafka 2.0 leaves without a word if it is a member that has no partition.
  rd_kafka_unsubscribe(impl_->client.get());
  rd_kafka_consumer_close(impl_->client.get());
}

// --- the tail ---

struct KafkaTail::Impl {
  std::string name;
  int32_t partition = 0;
  KafkaComplaints complaints;
  KafkaOwner<rd_kafka_t> client;
  KafkaOwner<rd_kafka_topic_t> topic;
  KafkaIncoming incoming;
  bool at_end = false;
};

bool KafkaTail::at_end() const { return impl_->at_end; }
KafkaTail::KafkaTail(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaTail::~KafkaTail() { rd_kafka_consume_stop(impl_->topic.get(), impl_->partition); }

Result<std::unique_ptr<KafkaTail>> KafkaTail::make(const KafkaConnection& connection,
                                                   const std::string& topic, PartitionId partition,
                                                   From from) {
  auto impl = std::make_unique<Impl>();
  impl->name = topic;
  impl->partition = number_of(partition);
  impl->client = TRY(make_kafka_client(KafkaRole::kConsumer, connection, impl->complaints,
                                       {{"enable.auto.commit", "false"},
                                        {"auto.offset.reset", "earliest"},
                                        {"check.crcs", "true"},
                                        {"enable.partition.eof", "true"},
                                        {"fetch.wait.max.ms", "100"},
                                        {"fetch.error.backoff.ms", "50"},
                                        {"reconnect.backoff.max.ms", "1000"}}));
  impl->topic.reset(rd_kafka_topic_new(impl->client.get(), topic.c_str(), nullptr));
  if (!impl->topic) return kafka_fail(rd_kafka_last_error(), "topic " + topic);
  // A number, not the library's own "end", which it would ask for later, after the first messages.
  const KafkaOffsets held = TRY(kafka_offsets(*impl->client, topic, impl->partition,
                                              "the end of topic " + topic, impl->complaints));
  const int64_t first = from == From::kBeginning ? held.begin : held.end;
  if (rd_kafka_consume_start(impl->topic.get(), impl->partition, first) != 0) {
    return kafka_fail(rd_kafka_last_error(), "cannot read topic " + topic);
  }
  return std::unique_ptr<KafkaTail>(new KafkaTail(std::move(impl)));
}

Result<bool> KafkaTail::poll(std::chrono::milliseconds patience,
                             const std::function<void(KafkaIncoming&)>& take) {
  const Owned message(
      rd_kafka_consume(impl_->topic.get(), impl_->partition, static_cast<int>(patience.count())),
      &rd_kafka_message_destroy);
  if (!message) return false;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    impl_->at_end = true;
    return false;
  }
  if (message->err) {
    return kafka_fail(message->err, "topic " + impl_->name + impl_->complaints.last());
  }
  read(*message, impl_->incoming);
  take(impl_->incoming);
  return true;
}

}  // namespace tenure
