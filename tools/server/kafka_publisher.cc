#include "tools/server/kafka_publisher.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <tuple>

#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

constexpr std::initializer_list<KafkaSetting> kSettings = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"message.max.bytes", "10485760"},
    // What is in flight is bounded by those who publish.
    {"queue.buffering.max.messages", "1000000"},
    {"queue.buffering.max.kbytes", "1048576"},
    {"linger.ms", "2"},
    {"reconnect.backoff.max.ms", "1000"},
};

constexpr int kRoundMs = 100;
constexpr int kPurgeMs = 5'000;

// On its way: librdkafka sends from `value` in place and hands the whole back with its outcome.
struct Sent {
  std::string value;
  KafkaPublisher::Delivered delivered;
  const std::atomic<bool>& publisher_ends;  // who gives up then tells nobody
};

// A client of the library, and what it reports to.
struct Client {
  KafkaOwner<rd_kafka_t> handle;
  KafkaOwner<rd_kafka_queue_t> reports;

  // Hands back all that is on its way, and frees it.
  ~Client() { give_up(); }
  void give_up() {
    rd_kafka_purge(handle.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(handle.get(), kPurgeMs);
  }
};

using Headers = std::unique_ptr<rd_kafka_headers_t, decltype(&rd_kafka_headers_destroy)>;

Headers headers_of(const KafkaHeaders& headers) {
  Headers made(rd_kafka_headers_new(headers.size()), &rd_kafka_headers_destroy);
  for (const auto& [name, value] : headers) {
    rd_kafka_header_add(made.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return made;
}

Error not_sent(rd_kafka_resp_err_t code, const std::string& what) {
  Error error = kafka_error(code, what);
  if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) error.kind = ErrorKind::kInvalid;
  return error;
}

}  // namespace

struct KafkaPublisher::Impl {
  explicit Impl(Options given) : options(std::move(given)) {}

  Options options;
  KafkaComplaints complaints;
  std::atomic<bool> ending = false;
  std::mutex mutex;  // of these
  std::shared_ptr<Client> client;
  std::vector<std::function<void()>> jobs;
  std::thread thread;

  Result<std::shared_ptr<Client>> make_client();
  std::shared_ptr<Client> current() {
    const std::scoped_lock lock(mutex);
    return client;
  }

  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    const std::unique_ptr<Sent> sent(static_cast<Sent*>(message->_private));
    const auto code = message->err;
    const bool purged =
        code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (purged && sent->publisher_ends) return;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return sent->delivered({});
    sent->delivered(std::unexpected(not_sent(code, "not acknowledged")));
  }

  void run_jobs() {
    std::vector<std::function<void()>> taken;
    {
      const std::scoped_lock lock(mutex);
      taken.swap(jobs);
    }
    for (auto& job : taken) job();
  }

  // Whoever is told of a failure may publish again: the new client takes it.
  void renew() {
    auto made = make_client();
    if (!made) return;  // next round
    {
      const std::scoped_lock lock(mutex);
      client.swap(*made);
    }
    (*made)->give_up();
  }

  void loop() {
    while (!ending) {
      const auto polled = current();
      rd_kafka_poll(polled->handle.get(), kRoundMs);
      run_jobs();
      if (rd_kafka_fatal_error(polled->handle.get(), nullptr, 0)) renew();
    }
  }
};

Result<std::shared_ptr<Client>> KafkaPublisher::Impl::make_client() {
  // The settings are literals; the connection's properties come before them and may not name this
  // one.
  KafkaConnection connection = options.connection;
  connection.properties.emplace_back("message.timeout.ms",
                                     std::to_string(options.patience.count()));
  auto handle = TRY(make_kafka_client(
      KafkaRole::kProducer, connection, complaints, kSettings,
      [](rd_kafka_conf_t* conf, void*) { rd_kafka_conf_set_dr_msg_cb(conf, on_report); }));
  KafkaOwner<rd_kafka_queue_t> reports(rd_kafka_queue_get_main(handle.get()));
  return std::make_shared<Client>(std::move(handle), std::move(reports));
}

KafkaPublisher::KafkaPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<KafkaPublisher>> KafkaPublisher::make(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  impl->client = TRY(impl->make_client());
  std::unique_ptr<KafkaPublisher> publisher(new KafkaPublisher(std::move(impl)));
  publisher->impl_->thread = std::thread([raw = publisher->impl_.get()] { raw->loop(); });
  return publisher;
}

KafkaPublisher::~KafkaPublisher() {
  impl_->ending = true;
  rd_kafka_queue_yield(impl_->current()->reports.get());
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<void> KafkaPublisher::publish(KafkaOutgoing message, Delivered delivered) {
  const auto client = impl_->current();
  auto sent = std::make_unique<Sent>(std::move(message.value), std::move(delivered), impl_->ending);
  Headers headers = headers_of(message.headers);
  std::array<rd_kafka_vu_t, 7> fields{};
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = message.topic.c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[1].u.i32 =
      message.partition ? static_cast<int32_t>(*message.partition) : RD_KAFKA_PARTITION_UA;
  fields[2].vtype = RD_KAFKA_VTYPE_KEY;
  fields[2].u.mem.ptr = message.key.empty() ? nullptr : message.key.data();
  fields[2].u.mem.size = message.key.size();
  fields[3].vtype = RD_KAFKA_VTYPE_VALUE;
  fields[3].u.mem.ptr = message.tombstone ? nullptr : sent->value.data();
  fields[3].u.mem.size = sent->value.size();
  fields[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[4].u.ptr = sent.get();
  fields[5].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[5].u.headers = headers.get();
  fields[6].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  fields[6].u.i64 = message.timestamp_ms;
  const std::unique_ptr<rd_kafka_error_t, decltype(&rd_kafka_error_destroy)> error(
      rd_kafka_produceva(client->handle.get(), fields.data(), fields.size()),
      &rd_kafka_error_destroy);
  if (error) return std::unexpected(not_sent(rd_kafka_error_code(error.get()), "not sent"));
  std::ignore = headers.release();  // the library has both now
  std::ignore = sent.release();
  return {};
}

void KafkaPublisher::run(std::function<void()> job) {
  std::shared_ptr<Client> client;
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->jobs.push_back(std::move(job));
    if (impl_->jobs.size() > 1) return;  // woken already
    client = impl_->client;
  }
  rd_kafka_queue_yield(client->reports.get());
}

}  // namespace tenure
