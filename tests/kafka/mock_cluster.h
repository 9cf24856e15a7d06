// librdkafka's own mock cluster, of one broker: it stands in for a real one where a test needs to
// say what the broker answers, and when.
#pragma once

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "engine/log/kafka_connection.h"

namespace tenure::test {

class MockCluster {
 public:
  MockCluster(const std::string& topic, int partitions) {
    rd_kafka_mock_topic_create(cluster_.get(), topic.c_str(), partitions, 1);
  }

  KafkaConnection connection() const {
    return {.brokers = rd_kafka_mock_cluster_bootstraps(cluster_.get()), .properties = {}};
  }
  // To the next requests of this kind, one each.
  void answers(int16_t kind, std::span<const rd_kafka_resp_err_t> codes) {
    rd_kafka_mock_push_request_errors_array(cluster_.get(), kind, codes.size(), codes.data());
  }
  void answers_after(std::chrono::milliseconds time) {
    rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, static_cast<int>(time.count()));
  }

 private:
  // It has no brokers to connect to, and need not say so.
  static rd_kafka_conf_t* quiet() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    return conf;
  }

  std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)> host_{
      rd_kafka_new(RD_KAFKA_PRODUCER, quiet(), nullptr, 0), &rd_kafka_destroy};
  std::unique_ptr<rd_kafka_mock_cluster_t, decltype(&rd_kafka_mock_cluster_destroy)> cluster_{
      rd_kafka_mock_cluster_new(host_.get(), 1), &rd_kafka_mock_cluster_destroy};
};

}  // namespace tenure::test
