#include "tests/kafka/topic_damage.h"

#include <librdkafka/rdkafka.h>

#include <functional>

#include "engine/base/check.h"
#include "engine/log/kafka_admin.h"

namespace tenure::test {
namespace {

void ask(const KafkaConnection& connection,
         const std::function<void(rd_kafka_t*, rd_kafka_queue_t*)>& request) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  CHECK(rd_kafka_conf_set(conf, "bootstrap.servers", connection.brokers.c_str(), nullptr, 0) ==
        RD_KAFKA_CONF_OK);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  CHECK(client != nullptr);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  request(client, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30'000);
  CHECK(event != nullptr && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(client);
}

}  // namespace

void delete_records_before(const KafkaConnection& connection, const std::string& topic,
                           int partition, int64_t offset) {
  ask(connection, [&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
    rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &request, 1, nullptr, queue);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
  });
}

void delete_topic(const KafkaConnection& connection, const std::string& topic) {
  ask(connection, [&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopic_t* request = rd_kafka_DeleteTopic_new(topic.c_str());
    rd_kafka_DeleteTopics(client, &request, 1, nullptr, queue);
    rd_kafka_DeleteTopic_destroy(request);
  });
  auto admin = KafkaAdmin::make(connection);
  CHECK(admin);
  for (auto found = admin->describe(topic); !found || *found; found = admin->describe(topic)) {
  }
}

}  // namespace tenure::test
