// What a process asks when it starts, of brokers that tell of a topic before they lead it. The
// library's own mock cluster stands in for them: a real broker does this for an instant only.
#include <librdkafka/rdkafka.h>

#include "engine/log/kafka_consumer.h"
#include "tests/kafka/mock_cluster.h"
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
  KafkaConnection connection() const { return cluster_.connection(); }
  // The next answers. The library itself asks again after some of them, but not after so many.
  void answers(rd_kafka_resp_err_t code) { cluster_.answers(kListOffsets, code, 5); }

 private:
  MockCluster cluster_{kTopic, 1};
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
