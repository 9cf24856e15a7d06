// What a process asks when it starts, of brokers that tell of a topic before they lead it. The
// library's own mock cluster stands in for them: a real broker does this for an instant only.
#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include <array>

#include "engine/log/kafka_consumer.h"
#include "tests/log/log_fixture.h"
#include "tools/server/kafka_group.h"

#include <gmock/gmock.h>

namespace tenure::test {
namespace {

using ::testing::HasSubstr;

constexpr int16_t kListOffsets = 2;  // the protocol's number of this request
constexpr PartitionId kPartition{0};
const std::string kTopic = "keys";

class KafkaOffsetsTest : public ::testing::Test {
 protected:
  KafkaOffsetsTest() { rd_kafka_mock_topic_create(cluster_.get(), kTopic.c_str(), 1, 1); }

  KafkaConnection connection() const {
    return {.brokers = rd_kafka_mock_cluster_bootstraps(cluster_.get()), .properties = {}};
  }
  // The next answers. The library itself asks again after some of them, but not after so many.
  void answers(rd_kafka_resp_err_t code) {
    const std::array<rd_kafka_resp_err_t, 5> codes{code, code, code, code, code};
    rd_kafka_mock_push_request_errors_array(cluster_.get(), kListOffsets, codes.size(),
                                            codes.data());
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

TEST_F(KafkaOffsetsTest, ATailWaitsForTheLeaderOfATopicThatWasJustMade) {
  for (const auto from : {KafkaTail::From::kBeginning, KafkaTail::From::kEnd}) {
    answers(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    const auto tail = KafkaTail::make(connection(), kTopic, kPartition, from);
    EXPECT_TRUE(tail) << tail.error().message;
  }
}

TEST_F(KafkaOffsetsTest, ALogWaitsForTheLeaderOfATopicThatWasJustMade) {
  const auto consumer = must(KafkaConsumer::make(connection(), kTopic));
  answers(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  const auto extent = consumer->extent(kPartition);
  ASSERT_TRUE(extent) << extent.error().message;
  EXPECT_EQ(extent->begin, Offset{0});
  EXPECT_EQ(extent->end, Offset{0});
}

TEST_F(KafkaOffsetsTest, WhatWaitingDoesNotMendIsSaidAtOnce) {
  answers(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const auto tail = KafkaTail::make(connection(), kTopic, kPartition, KafkaTail::From::kEnd);
  ASSERT_FALSE(tail);
  EXPECT_EQ(tail.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(tail.error().message,
              HasSubstr("the end of topic keys: Broker: Topic authorization"));
}

}  // namespace
}  // namespace tenure::test
