// Where a relay begins, by what its topic still holds. What it publishes: relay_test.py.
#include <gmock/gmock.h>

#include "consumers/relay/relay.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/kafka/topic_damage.h"

namespace tenure::test {
namespace {

using testing::HasSubstr;

class KafkaRelayTest : public testing::Test {
 protected:
  KafkaRelayTest() {
    KafkaAdmin admin = must(KafkaAdmin::make(connection()));
    must(admin.create({topic_, 2, 1, {}}));
    const auto topic = open();
    for (uint32_t partition = 0; partition < 2; ++partition) {
      const EventMark mark{source(partition), kPosition};
      must(topic->publish(partition, "acme", "{}", {Number{7}, 0}, mark));
    }
    must(topic->flush());
  }
  static std::string source(uint32_t partition) { return "log/" + std::to_string(partition); }
  std::unique_ptr<EventTopic> open() const { return must(EventTopic::open(connection(), topic_)); }
  Result<Relay> begin(Relay::Begin how) const {
    return Relay::begin(open(), {source(0), source(1)}, how);
  }
  void expire(int partition) const { delete_records_before(connection(), topic_, partition, 1); }

  static constexpr ReaderPosition kPosition{Offset{8}, Number{7}, Stamp{5}};
  const std::string topic_ = new_prefix() + ".events";
};

TEST_F(KafkaRelayTest, GoesOnBehindTheMarkOfEachPartition) {
  const Relay relay = must(begin(Relay::Begin::kUnknown));
  for (uint32_t id = 0; id < 2; ++id)
    EXPECT_EQ(relay.position({id}).next_offset, kPosition.next_offset);
}

// Of a process that had lost the partition.
TEST_F(KafkaRelayTest, AVoidRecordIsNoEvent) {
  Relay relay = must(begin(Relay::Begin::kUnknown));
  const RecordPrefix late{.stamp = Stamp{2}, .number = kPosition.next_number};
  must(relay.take({0}, {kPosition.next_offset, late, RecordStatus::kOk, {}}));
  EXPECT_EQ(relay.published(), 0u);
  EXPECT_EQ(relay.position({0}).next_offset, kPosition.next_offset.next());
  EXPECT_EQ(relay.position({0}).next_number, kPosition.next_number);
}

TEST_F(KafkaRelayTest, PublishesNothingAgainUnaskedWhereOnePartitionExpired) {
  expire(1);
  const auto refused = begin(Relay::Begin::kUnknown);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("log/1"));
  EXPECT_THAT(refused.error().message, HasSubstr("--from-beginning"));
  const Relay relay = must(begin(Relay::Begin::kBeginning));
  EXPECT_EQ(relay.position({0}).next_offset, kPosition.next_offset) << "which says how far it went";
  EXPECT_EQ(relay.position({1}).next_offset, Offset{0});
}

// Of a log with one partition any partition of the topic says it.
TEST_F(KafkaRelayTest, AsksWhatIsLeftOfALogWithOnePartition) {
  expire(0);
  EXPECT_TRUE(Relay::begin(open(), {source(1)}, Relay::Begin::kUnknown));
  expire(1);
  EXPECT_FALSE(Relay::begin(open(), {source(1)}, Relay::Begin::kUnknown));
}

}  // namespace
}  // namespace tenure::test
