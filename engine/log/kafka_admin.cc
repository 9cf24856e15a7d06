#include "engine/log/kafka_admin.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <thread>

#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

constexpr auto kPause = std::chrono::milliseconds(20);

}  // namespace

struct KafkaAdmin::Impl {
  KafkaConnection connection;
  KafkaComplaints complaints;
  KafkaOwner<rd_kafka_t> client;

  // The answer to a request that `ask` sends off.
  template <class Ask>
  Result<KafkaOwner<rd_kafka_event_t>> answer(const std::string& what, Ask ask) {
    KafkaOwner<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
    ask(queue.get());
    KafkaOwner<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 2 * kKafkaPatienceMs));
    const auto code = event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
    return kafka_fail(code, fmt::format("{} at the Kafka brokers {}{}", what, connection.brokers,
                                        complaints.last()));
  }

  Result<std::optional<KafkaTopic>> shape(const std::string& name);
  Result<void> wait_known(const std::string& name);
  Result<std::map<std::string, std::string>> settings(const std::string& name);
};

KafkaAdmin::KafkaAdmin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaAdmin::KafkaAdmin(KafkaAdmin&&) noexcept = default;
KafkaAdmin& KafkaAdmin::operator=(KafkaAdmin&&) noexcept = default;
KafkaAdmin::~KafkaAdmin() = default;

Result<KafkaAdmin> KafkaAdmin::make(KafkaConnection connection) {
  auto impl = std::make_unique<Impl>();
  impl->connection = std::move(connection);
  impl->client = TRY(make_kafka_client(KafkaRole::kProducer, impl->connection, impl->complaints));
  return KafkaAdmin(std::move(impl));
}

Result<void> KafkaAdmin::create(const KafkaTopic& topic) {
  char text[512];
  rd_kafka_NewTopic_t* wanted =
      rd_kafka_NewTopic_new(topic.name.c_str(), static_cast<int>(topic.partitions),
                            static_cast<int>(topic.replication), text, sizeof text);
  if (!wanted) return fail(ErrorKind::kInvalid, fmt::format("topic {}: {}", topic.name, text));
  for (const auto& [name, value] : topic.settings) {
    rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str());
  }
  const std::string what = fmt::format("cannot create topic {}", topic.name);
  const auto event = impl_->answer(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(impl_->client.get(), &wanted, 1, nullptr, queue);
  });
  rd_kafka_NewTopic_destroy(wanted);
  if (!event) return std::unexpected(event.error());
  size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  const auto code = rd_kafka_topic_result_error(results[0]);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return impl_->wait_known(topic.name);
  const char* why = rd_kafka_topic_result_error_string(results[0]);
  return kafka_fail(code, why ? fmt::format("{}: {}", what, why) : what);
}

Result<void> KafkaAdmin::remove(const std::string& name) {
  rd_kafka_DeleteTopic_t* unwanted = rd_kafka_DeleteTopic_new(name.c_str());
  const std::string what = fmt::format("cannot remove topic {}", name);
  const auto event = impl_->answer(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopics(impl_->client.get(), &unwanted, 1, nullptr, queue);
  });
  rd_kafka_DeleteTopic_destroy(unwanted);
  if (!event) return std::unexpected(event.error());
  size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
  const auto code = rd_kafka_topic_result_error(results[0]);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_fail(code, what);
  return {};
}

Result<std::optional<KafkaTopic>> KafkaAdmin::Impl::shape(const std::string& name) {
  const auto metadata = TRY(kafka_metadata(*client, nullptr, connection, complaints));
  const std::span topics(metadata->topics, static_cast<size_t>(metadata->topic_cnt));
  const auto found = std::ranges::find(topics, name, [](const auto& each) { return each.topic; });
  if (found == topics.end()) return std::nullopt;
  KafkaTopic topic{name, static_cast<uint32_t>(found->partition_cnt), 0, {}};
  for (const auto& partition : std::span(found->partitions, topic.partitions)) {
    const auto replicas = static_cast<uint32_t>(partition.replica_cnt);
    topic.replication = topic.replication == 0 ? replicas : std::min(topic.replication, replicas);
  }
  return topic;
}

// The controller has made it; brokers learn of it a moment later.
Result<void> KafkaAdmin::Impl::wait_known(const std::string& name) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kKafkaPatienceMs);
  while (!TRY(shape(name))) {
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorKind::kUnavailable,
                  fmt::format("topic {} was made, but the Kafka brokers {} do not know of it yet",
                              name, connection.brokers));
    }
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

Result<std::map<std::string, std::string>> KafkaAdmin::Impl::settings(const std::string& name) {
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str());
  const std::string what = fmt::format("cannot read the settings of topic {}", name);
  const auto event = answer(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConfigs(client.get(), &resource, 1, nullptr, queue);
  });
  rd_kafka_ConfigResource_destroy(resource);
  if (!event) return std::unexpected(event.error());
  size_t count = 0;
  const auto* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  const auto code = rd_kafka_ConfigResource_error(resources[0]);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_fail(code, what);
  const auto* entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  std::map<std::string, std::string> settings;
  for (const auto* entry : std::span(entries, count)) {
    const char* value = rd_kafka_ConfigEntry_value(entry);
    settings[rd_kafka_ConfigEntry_name(entry)] = value ? value : "";
  }
  return settings;
}

Result<std::optional<KafkaTopic>> KafkaAdmin::describe(const std::string& name) {
  auto topic = TRY(impl_->shape(name));
  if (topic) topic->settings = TRY(impl_->settings(name));
  return topic;
}

}  // namespace tenure
