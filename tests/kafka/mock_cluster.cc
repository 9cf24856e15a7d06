#include "tests/kafka/mock_cluster.h"

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include <vector>

namespace tenure::test {
namespace {

// It has no brokers to connect to, and need not say so.
rd_kafka_conf_t* quiet() {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, nullptr);
  return conf;
}

}  // namespace

struct MockCluster::Impl {
  std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)> host{
      rd_kafka_new(RD_KAFKA_PRODUCER, quiet(), nullptr, 0), &rd_kafka_destroy};
  std::unique_ptr<rd_kafka_mock_cluster_t, decltype(&rd_kafka_mock_cluster_destroy)> cluster{
      rd_kafka_mock_cluster_new(host.get(), 1), &rd_kafka_mock_cluster_destroy};
};

MockCluster::MockCluster(const std::string& topic, int partitions)
    : impl_(std::make_unique<Impl>()) {
  rd_kafka_mock_topic_create(impl_->cluster.get(), topic.c_str(), partitions, 1);
}

MockCluster::~MockCluster() = default;

KafkaConnection MockCluster::connection() const {
  return {.brokers = rd_kafka_mock_cluster_bootstraps(impl_->cluster.get()), .properties = {}};
}

void MockCluster::answers(int16_t kind, int code, size_t times) {
  const std::vector codes(times, static_cast<rd_kafka_resp_err_t>(code));
  rd_kafka_mock_push_request_errors_array(impl_->cluster.get(), kind, codes.size(), codes.data());
}

void MockCluster::answers_after(std::chrono::milliseconds time) {
  rd_kafka_mock_broker_set_rtt(impl_->cluster.get(), 1, static_cast<int>(time.count()));
}

}  // namespace tenure::test
