#include "engine/log/kafka_producer.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "engine/base/thread_name.h"
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
    {"batch.size", "4194304"},  // of kMostTogether and what Kafka adds
    // Parcels are whole batches, and to be sent whole: at 0 the library's thread takes what the
    // call that hands them over has got to, and the rest waits for that request's answer.
    {"linger.ms", "0.5"},
    {"reconnect.backoff.max.ms", "1000"},
};

using Steady = std::chrono::steady_clock;

constexpr int kRoundMs = 100;

// A produce request costs a broker as much as some dozens of records, and so does the answer to
// each fetch that waits for one (measured: 16 partitions that send whatever they have as soon as
// they may keep a broker at 7.7 us a record, 83,000 a second). So all partitions send to one beat,
// and who reads gets their records together: behind small parcels the next beat comes after as long
// as the records of one of them are worth, which a client that waits for each answer does not
// notice, and which under load lets the next parcels grow.
constexpr auto kPausePerRecord = std::chrono::microseconds(200);
constexpr auto kLongestPause = std::chrono::microseconds(5'000);
constexpr size_t kLargeParcel = 64u << 10;  // worth its request: waits for no beat

// Parcels that waited for the same answer are one request, up to this many bytes.
constexpr size_t kMostTogether = 2u << 20;

bool is_large(const KafkaParcel& parcel) { return parcel.bytes.size() >= kLargeParcel; }

std::chrono::microseconds pause_behind(const KafkaParcel& parcel) {
  if (is_large(parcel)) return std::chrono::microseconds(0);
  return std::min(kLongestPause, static_cast<int>(parcel.records.size()) * kPausePerRecord);
}

}  // namespace

struct KafkaProducer::Impl {
  // A partition's parcels, in order. The library has those of one request at a time: it lets no
  // more than five records of a partition be in flight (2.0.2, rd_kafka_toppar_producer_serve) and
  // polls without a pause while others wait that may not go, measured at 10 to 76 % of a processor.
  struct Lane {
    std::deque<std::shared_ptr<KafkaParcel>> waiting;
    std::atomic<size_t> sent = 0;  // parcels that the library has
    bool waits_for_beat() const { return !waiting.empty() && sent == 0; }
  };

  struct Sent {
    std::shared_ptr<KafkaParcel> parcel;
    std::atomic<size_t> unreported;
    Impl* impl;
    Lane* lane;
    std::list<Sent>::iterator place;
  };

  Hooks hooks;
  KafkaComplaints complaints;
  std::mutex sending;  // keeps the order of a partition
  std::map<PartitionId, Lane> lanes;
  Steady::time_point beat{};  // nothing small is sent before
  mutable std::mutex mutex;
  size_t held_back = 0;  // parcels
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
    sent.impl->settle(sent);
  }

  Result<void> send(Lane& lane, std::span<const std::shared_ptr<KafkaParcel>> parcels);
  void send_waiting(Lane& lane, Steady::time_point now);
  void keep_beat();
  int patience_ms();
  void count_held_back(ptrdiff_t change) {
    const std::scoped_lock lock(mutex);
    held_back += static_cast<size_t>(change);
  }

  // One of its records was reported.
  void settle(Sent& one) {
    if (--one.unreported > 0) return;
    --one.lane->sent;
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
  const std::scoped_lock lock(impl_->sending);
  const auto now = Steady::now();
  Impl::Lane& lane = impl_->lanes[parcel->partition];
  const bool may_go = lane.sent == 0;
  if (may_go && lane.waiting.empty() && (is_large(*parcel) || now >= impl_->beat)) {
    impl_->beat = std::max(impl_->beat, now + pause_behind(*parcel));
    return impl_->send(lane, {&parcel, 1});
  }
  if (is_large(*parcel)) impl_->beat = std::min(impl_->beat, now);
  lane.waiting.push_back(std::move(parcel));
  impl_->count_held_back(1);
  // Else the report that it waits for wakes the thread, or the beat that others wait for.
  if (may_go) wake();
  return {};
}

// On the producer's thread.
void KafkaProducer::Impl::keep_beat() {
  const std::scoped_lock lock(sending);
  const auto now = Steady::now();
  if (now < beat) return;
  for (auto& [partition, lane] : lanes) {
    if (lane.waits_for_beat()) send_waiting(lane, now);
  }
}

// What the library does not take is reported as every other failure.
void KafkaProducer::Impl::send_waiting(Lane& lane, Steady::time_point now) {
  std::vector<std::shared_ptr<KafkaParcel>> parcels;
  for (size_t bytes = 0; !lane.waiting.empty(); lane.waiting.pop_front()) {
    bytes += lane.waiting.front()->bytes.size();
    if (!parcels.empty() && bytes > kMostTogether) break;
    parcels.push_back(std::move(lane.waiting.front()));
    beat = std::max(beat, now + pause_behind(*parcels.back()));
  }
  count_held_back(-static_cast<ptrdiff_t>(parcels.size()));
  const auto taken = send(lane, parcels);
  if (taken) return;
  for (const auto& parcel : parcels) {
    for (const auto record : parcel->records) {
      parcel->reported(record, std::unexpected(taken.error()));
    }
  }
}

// Until something that is held back may go.
int KafkaProducer::Impl::patience_ms() {
  const std::scoped_lock lock(sending);
  const bool due =
      std::ranges::any_of(lanes, [](const auto& each) { return each.second.waits_for_beat(); });
  if (!due) return kRoundMs;
  const auto left = std::max(beat - Steady::now(), Steady::duration(0));
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

// Parcels of one partition, in one request.
Result<void> KafkaProducer::Impl::send(Lane& lane,
                                       std::span<const std::shared_ptr<KafkaParcel>> parcels) {
  std::vector<rd_kafka_message_t> messages;
  for (const auto& parcel : parcels) {
    Sent* one = nullptr;
    {
      const std::scoped_lock lock(mutex);
      one = &sent.emplace_back();
      one->place = std::prev(sent.end());
    }
    one->parcel = parcel;
    one->unreported = parcel->records.size();
    one->impl = this;
    one->lane = &lane;
    ++lane.sent;
    for (const auto record : parcel->records) {
      rd_kafka_message_t& message = messages.emplace_back();
      message.payload = const_cast<std::byte*>(record.data());
      message.len = record.size();
      message._private = one;
    }
  }
  const auto partition = static_cast<int32_t>(parcels.front()->partition.value);
  const int taken = rd_kafka_produce_batch(topic.get(), partition, 0, messages.data(),
                                           static_cast<int>(messages.size()));
  if (static_cast<size_t>(taken) == messages.size()) return {};
  Result<void> refused;
  for (const rd_kafka_message_t& message : messages) {
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (refused) refused = kafka_fail(message.err, "not sent");
    settle(*static_cast<Sent*>(message._private));
  }
  return refused;
}

void KafkaProducer::run() {
  name_this_thread("tenure-producer");
  while (!impl_->ending) {
    rd_kafka_poll(impl_->client.get(), impl_->patience_ms());
    impl_->keep_beat();
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
  return impl_->held_back + impl_->sent.size();
}

std::string KafkaProducer::last_complaint() const { return impl_->complaints.last(); }

}  // namespace tenure
