// Who may write: claims, doubts and claiming again, at a real broker.
#include <gmock/gmock.h>

#include <future>

#include "tests/kafka/kafka_fixture.h"

namespace tenure::test {
namespace {

using testing::HasSubstr;

constexpr PartitionId kOther{1};

class KafkaClaimTest : public testing::Test {
 protected:
  // A batch's outcome, when it is known.
  static Result<void> append(KafkaLog& log, Session& session, uint32_t count,
                             PartitionId partition = kPartition, size_t size = 20) {
    return start_append(log, session, count, partition, size).get();
  }
  static std::future<Result<void>> start_append(KafkaLog& log, Session& session, uint32_t count,
                                                PartitionId partition = kPartition,
                                                size_t size = 20) {
    auto outcome = std::make_shared<std::promise<Result<void>>>();
    log.append(partition, make_batch(session, count, size),
               [outcome](Result<void> result) { outcome->set_value(std::move(result)); });
    return outcome->get_future();
  }
  static Session claim(KafkaLog& log, PartitionId partition = kPartition,
                       const Writer& writer = kWriter) {
    return must(log.open_writer(partition, writer));
  }
  // All of a log as Kafka holds it by now.
  History history() const { return history_of(*kafka_.open("reader")); }

  KafkaFixture kafka_;
};

TEST_F(KafkaClaimTest, AClaimEndsTheSessionOfAnotherProcess) {
  const auto one = kafka_.open("one"), two = kafka_.open("two");
  Session first = claim(*one);
  must(append(*one, first, 2));
  Session second = claim(*two);
  const auto late = append(*one, first, 1);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
  second = claim(*two);  // for the late batch may have landed before the other knew, and shifted it
  EXPECT_EQ(second.next, Number{2});
  must(append(*two, second, 3));
  EXPECT_EQ(history().payloads, payloads(5));
}

TEST_F(KafkaClaimTest, ARecordThatLandsBehindAnothersClaimIsVoidAndDisturbsItOnce) {
  const auto one = kafka_.open("one"), two = kafka_.open("two");
  Session first = claim(*one);
  one->unfollow(kPartition);  // so it cannot learn of the claim before it appends
  Session second = claim(*two);
  // One record: of several, the client may send some later, after the first answer has ended the
  // session.
  const auto late = append(*one, first, 1);
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("should lie at offset 1, but it landed at offset 2"));
  const auto shifted = append(*two, second, 2);
  ASSERT_FALSE(shifted);
  EXPECT_THAT(shifted.error().message, HasSubstr("at offset 2, but it landed at offset 3"));
  // They are valid all the same: only the answer was in doubt.
  Session third = claim(*two);
  EXPECT_EQ(third.next, Number{2});
  must(append(*two, third, 2));
  const History found = history();
  EXPECT_EQ(found.payloads, payloads(4));
  EXPECT_EQ(found.void_records, 1u);
}

TEST_F(KafkaClaimTest, AnIdleSessionLearnsOfAnothersClaim) {
  std::promise<void> ended;
  std::unique_ptr<KafkaLog> one;
  std::atomic<bool> told = false;
  KafkaLogOptions options = kafka_.options("one");
  options.on_change = [&](PartitionId) {
    if (one && one->session_end(kPartition) && !told.exchange(true)) ended.set_value();
  };
  auto opened = must(KafkaLog::open(options));
  claim(*opened);
  one = std::move(opened);
  const auto two = kafka_.open("two");
  claim(*two);
  ASSERT_EQ(ended.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_THAT(one->session_end(kPartition)->message, HasSubstr("claimed partition 0 at offset 1"));
  must(one->close());
}

TEST_F(KafkaClaimTest, PartitionCanBeClaimedBack) {
  const auto one = kafka_.open("one"), two = kafka_.open("two");
  Session first = claim(*one);
  must(append(*one, first, 2));
  Session second = claim(*two);
  must(append(*two, second, 2));
  EXPECT_FALSE(append(*one, first, 1));
  Session third = claim(*one);
  EXPECT_EQ(third.next, Number{4});
  EXPECT_FALSE(one->session_end(kPartition));
  must(append(*one, third, 2));
  EXPECT_FALSE(append(*two, second, 1));
  EXPECT_EQ(history().payloads, payloads(6));
}

TEST_F(KafkaClaimTest, ClaimingAgainSettlesWhatWasInFlight) {
  const auto log = kafka_.open();
  Session session = claim(*log);
  uint64_t durable = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<Result<void>>> outcomes;
    for (int batch = 0; batch < 10; ++batch) outcomes.push_back(start_append(*log, session, 10));
    const Session next = claim(*log);
    uint64_t acknowledged = durable;
    bool failed = false;
    for (auto& outcome : outcomes) {
      const auto result = outcome.get();
      EXPECT_FALSE(failed && result) << "a batch was answered behind one that failed";
      failed = failed || !result;
      if (result) acknowledged += 10;
    }
    // What landed before the claim is valid, whether or not it was answered in time.
    EXPECT_GE(next.next.value, acknowledged);
    durable = next.next.value;
    session = next;
  }
  EXPECT_EQ(history().payloads, payloads(durable));
}

TEST_F(KafkaClaimTest, DoubtInOnePartitionLeavesTheOthersAlone) {
  const auto one = kafka_.open("one"), two = kafka_.open("two");
  Session here = claim(*one), there = claim(*one, kOther);
  must(append(*one, here, 1));
  claim(*two);
  EXPECT_FALSE(append(*one, here, 1));
  must(append(*one, there, 1, kOther));
  EXPECT_FALSE(one->session_end(kOther));
}

TEST_F(KafkaClaimTest, AFatalErrorOfTheProducerEndsAllSessionsAndTheNextClaimMakesANewOne) {
  const std::string small = new_prefix() + ".log";
  must(must(KafkaAdmin::make(connection()))
           .create({small, 2, 1, {{"max.message.bytes", "2000"}, {"retention.ms", "-1"}}}));
  KafkaLogOptions options = kafka_.options();
  options.topic = small;
  const auto log = must(KafkaLog::open(options));
  Session here = claim(*log), there = claim(*log, kOther);
  must(append(*log, here, 1));
  const auto too_large = append(*log, here, 1, kPartition, 5000);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().kind, ErrorKind::kConflict);
  const auto other = append(*log, there, 1, kOther);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::kConflict);
  here = claim(*log);
  EXPECT_EQ(here.next, Number{1});
  must(append(*log, here, 1));
  there = claim(*log, kOther);
  must(append(*log, there, 1, kOther));
  EXPECT_EQ(history_of(*log).payloads, payloads(2));
}

TEST_F(KafkaClaimTest, StatusNamesTheOwner) {
  const auto one = kafka_.open("one"), two = kafka_.open("two");
  claim(*one, kPartition, {"host:1", "10.0.0.1:80", "test", 7});
  claim(*two, kPartition, {"host:2", "10.0.0.2:80", "test", 8});
  const auto status = must(two->status(kPartition));
  ASSERT_TRUE(status.owner);
  EXPECT_EQ(status.owner->process, "host:2");
  EXPECT_EQ(status.owner->address, "10.0.0.2:80");
  EXPECT_EQ(status.owner->time_us, 8);
  EXPECT_FALSE(must(two->status(kOther)).owner);
}

TEST_F(KafkaClaimTest, PartitionThatIsNotFollowedCannotBeReadOrClaimed) {
  KafkaLogOptions options = kafka_.options();
  options.follow = {kOther};
  const auto log = must(KafkaLog::open(options));
  EXPECT_EQ(log->open_writer(kPartition, kWriter).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(log->read(kPartition, Offset{0}).error().kind, ErrorKind::kInvalid);
  must(log->follow(kPartition));
  claim(*log);
}

}  // namespace
}  // namespace tenure::test
