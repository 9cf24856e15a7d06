#include "engine/log/kafka_handle.h"

#include <fmt/format.h>

#include <librdkafka/rdkafka.h>
#include <chrono>
#include <thread>
#include <tuple>

namespace tenure {
namespace {

constexpr auto kPause = std::chrono::milliseconds(50);

// On the library's own threads. Errors come here too, as no other callback is set for them: so they
// are noted whether or not anybody polls. A library does not write to our stderr.
void note_complaint(const rd_kafka_t* client, int, const char*, const char* text) {
  static_cast<KafkaComplaints*>(rd_kafka_opaque(client))->note(text);
}

Result<void> set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char text[512];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) == RD_KAFKA_CONF_OK) {
    return {};
  }
  return fail(ErrorKind::kInvalid, fmt::format("Kafka property {}: {}", name, text));
}

bool is_passing(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
}

ErrorKind kind_of(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return ErrorKind::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return ErrorKind::kConflict;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return ErrorKind::kInvalid;
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return ErrorKind::kUnsupported;
    default:
      return ErrorKind::kUnavailable;
  }
}

}  // namespace

void KafkaDeleter::operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
void KafkaDeleter::operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
void KafkaDeleter::operator()(KafkaMetadata* metadata) const {
  rd_kafka_metadata_destroy(metadata);
}
void KafkaDeleter::operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
void KafkaDeleter::operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
void KafkaDeleter::operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }

void KafkaComplaints::note(std::string text) {
  const std::scoped_lock lock(mutex_);
  last_ = std::move(text);
}

std::string KafkaComplaints::last() const {
  const std::scoped_lock lock(mutex_);
  return last_.empty() ? "" : fmt::format(" (last: {})", last_);
}

Error kafka_error(int code, const std::string& what) {
  return {kind_of(code),
          fmt::format("{}: {}", what, rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)))};
}

Result<KafkaOwner<rd_kafka_s>> make_kafka_client(
    KafkaRole role, const KafkaConnection& connection, KafkaComplaints& complaints,
    std::initializer_list<KafkaSetting> settings,
    void (*before_start)(rd_kafka_conf_s* conf, void* context), void* context) {
  KafkaOwner<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : connection.properties) TRY(set(conf.get(), name, value));
  TRY(set(conf.get(), "bootstrap.servers", connection.brokers));
  TRY(set(conf.get(), "client.id", connection.client_id));
  for (const auto& [name, value] : settings) TRY(set(conf.get(), name, value));
  rd_kafka_conf_set_opaque(conf.get(), &complaints);
  rd_kafka_conf_set_log_cb(conf.get(), note_complaint);
  if (before_start) before_start(conf.get(), context);

  char text[512];
  const auto type = role == KafkaRole::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  KafkaOwner<rd_kafka_s> client(rd_kafka_new(type, conf.get(), text, sizeof text));
  if (!client) return fail(ErrorKind::kInvalid, fmt::format("Kafka client: {}", text));
  std::ignore = conf.release();  // the client has it now
  return client;
}

Result<KafkaOwner<KafkaMetadata>> kafka_metadata(rd_kafka_s& client, rd_kafka_topic_s* topic,
                                                 const KafkaConnection& connection,
                                                 const KafkaComplaints& complaints) {
  KafkaMetadata* metadata = nullptr;
  const auto code = rd_kafka_metadata(&client, topic ? 0 : 1, topic, &metadata, kKafkaPatienceMs);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaOwner<KafkaMetadata>(metadata);
  return kafka_fail(code, fmt::format("no answer from the Kafka brokers {}{}", connection.brokers,
                                      complaints.last()));
}

Result<KafkaOffsets> kafka_offsets(rd_kafka_s& client, const std::string& topic, int32_t partition,
                                   const std::string& what, const KafkaComplaints& complaints) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kKafkaPatienceMs);
  while (true) {
    KafkaOffsets found;
    const auto code = rd_kafka_query_watermark_offsets(&client, topic.c_str(), partition,
                                                       &found.begin, &found.end, kKafkaPatienceMs);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return found;
    if (!is_passing(code) || std::chrono::steady_clock::now() > deadline) {
      return kafka_fail(code, what + complaints.last());
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tenure
