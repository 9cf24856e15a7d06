#include "engine/log/kafka_producer.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <thread>

#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

// Measured with librdkafka 2.0.2: without the gapless guarantee a record that fails leaves no gap
// behind it, so later ones land at offsets that seem right. No time-out: a record is sent until it
// is acknowledged or the producer ends, as nothing may be sent again as the same number.
constexpr std::initializer_list<KafkaSetting> kSettings = {
    {"enable.idempotence", "true"},
    {"enable.gapless.guarantee", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {"message.max.bytes", "10485760"},
    // What is in flight is bounded by the partitions, which send a batch or two ahead.
    {"queue.buffering.max.messages", "10000000"},
    {"queue.buffering.max.kbytes", "2147483647"},
    {"batch.num.messages", "100000"},
    {"batch.size", "1048576"},
    // The partitions gather batches themselves.
    {"linger.ms", "0"},
    {"reconnect.backoff.max.ms", "1000"},
};

constexpr int kRoundMs = 100;

}  // namespace

struct KafkaProducer::Impl {
  struct Sent {
    std::shared_ptr<KafkaParcel> parcel;
    std::atomic<size_t> unreported;
    Impl* impl;
    std::list<Sent>::iterator place;
  };

  Hooks hooks;
  KafkaComplaints complaints;
  mutable std::mutex mutex;
  std::list<Sent> sent;  // outlives the client, which reads from the parcels
  KafkaOwner<rd_kafka_t> client;
  KafkaOwner<rd_kafka_topic_t> topic;
  KafkaOwner<rd_kafka_queue_t> reports;
  std::atomic<bool> ending = false;
  std::thread thread;

  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    auto& sent = *static_cast<Sent*>(message->_private);
    const std::span record(static_cast<const std::byte*>(message->payload), message->len);
    if (message->err) {
      sent.parcel->reported(record, kafka_fail(message->err, "not acknowledged"));
    } else if (message->offset < 0) {
      sent.parcel->reported(record, fail(ErrorKind::kConflict, "acknowledged without an offset"));
    } else {
      sent.parcel->reported(record, Offset{static_cast<uint64_t>(message->offset)});
    }
    sent.impl->settle(sent, 1);
  }

  void settle(Sent& one, size_t reports) {
    if (one.unreported.fetch_sub(reports) != reports) return;
    const std::scoped_lock lock(mutex);
    sent.erase(one.place);
  }
};

KafkaProducer::KafkaProducer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::make(const KafkaConnection& connection,
                                                           const std::string& topic, Hooks hooks) {
  auto impl = std::make_unique<Impl>();
  impl->hooks = std::move(hooks);
  impl->client = TRY(make_kafka_client(
      KafkaRole::kProducer, connection, impl->complaints, kSettings,
      [](rd_kafka_conf_t* conf, void*) { rd_kafka_conf_set_dr_msg_cb(conf, Impl::on_report); }));
  impl->topic.reset(rd_kafka_topic_new(impl->client.get(), topic.c_str(), nullptr));
  if (!impl->topic) return kafka_fail(rd_kafka_last_error(), "topic " + topic);
  impl->reports.reset(rd_kafka_queue_get_main(impl->client.get()));
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(std::move(impl)));
  producer->impl_->thread = std::thread([raw = producer.get()] { raw->run(); });
  return producer;
}

KafkaProducer::~KafkaProducer() {
  impl_->ending = true;
  wake();
  if (impl_->thread.joinable()) impl_->thread.join();
  // Else destroying would wait for what is in flight.
  rd_kafka_purge(impl_->client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                          RD_KAFKA_PURGE_F_NON_BLOCKING);
}

Result<void> KafkaProducer::send(std::shared_ptr<KafkaParcel> parcel) {
  const size_t count = parcel->records.size();
  std::vector<rd_kafka_message_t> messages(count);
  Impl::Sent* sent = nullptr;
  {
    const std::scoped_lock lock(impl_->mutex);
    sent = &impl_->sent.emplace_back();
    sent->place = std::prev(impl_->sent.end());
  }
  sent->unreported = count;
  sent->impl = impl_.get();
  for (size_t i = 0; i < count; ++i) {
    messages[i].payload = const_cast<std::byte*>(parcel->records[i].data());
    messages[i].len = parcel->records[i].size();
    messages[i]._private = sent;
  }
  const auto partition = static_cast<int32_t>(parcel->partition.value);
  sent->parcel = std::move(parcel);
  const int taken = rd_kafka_produce_batch(impl_->topic.get(), partition, 0, messages.data(),
                                           static_cast<int>(count));
  const auto refused = count - static_cast<size_t>(taken);
  if (refused == 0) return {};
  impl_->settle(*sent, refused);
  const auto first = std::ranges::find_if(messages, [](const auto& each) { return each.err != 0; });
  return kafka_fail(first->err, "not sent");
}

void KafkaProducer::run() {
  while (!impl_->ending) {
    rd_kafka_poll(impl_->client.get(), kRoundMs);
    char text[512] = "";
    const auto fatal = rd_kafka_fatal_error(impl_->client.get(), text, sizeof text);
    if (fatal && !dead_.exchange(true)) {
      impl_->hooks.on_fatal(kafka_error(fatal, fmt::format("the Kafka producer ended: {}", text)));
    }
    impl_->hooks.each_round();
  }
}

void KafkaProducer::wake() { rd_kafka_queue_yield(impl_->reports.get()); }

size_t KafkaProducer::unreported() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->sent.size();
}

std::string KafkaProducer::last_complaint() const { return impl_->complaints.last(); }

}  // namespace tenure
