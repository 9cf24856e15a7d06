// What a log over Kafka does when Kafka does not hold what it once gave, or is not what was meant.
#include <gmock/gmock.h>

#include <future>

#include "engine/log/batch_rules.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/kafka/topic_damage.h"

namespace tenure::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class KafkaLossTest : public testing::Test {
 protected:
  KafkaLogOptions options(const std::string& name = "one") const {
    KafkaLogOptions options = kafka_.options(name);
    options.patience = std::chrono::seconds(3);
    return options;
  }
  std::unique_ptr<KafkaLog> open(const std::string& name = "one") const {
    return must(KafkaLog::open(options(name)));
  }
  // Claims, and appends so many decisions more.
  static void write(KafkaLog& log, uint32_t count) {
    Session session = must(log.open_writer(kPartition, kWriter));
    std::promise<Result<void>> outcome;
    log.append(kPartition, make_batch(session, count),
               [&](Result<void> result) { outcome.set_value(std::move(result)); });
    must(outcome.get_future().get());
    EXPECT_FALSE(history_of(log).error);
  }
  void replace_topic() {
    delete_topic(connection(), kafka_.topic());
    kafka_.make_topic();
  }
  // A record of anybody's; where it landed.
  Offset put(Bytes record) {
    struct Foreign final : KafkaParcel {
      std::promise<Result<Offset>> landed;
      void reported(Bytes, Result<Offset> offset) override { landed.set_value(std::move(offset)); }
    };
    const auto producer = must(KafkaProducer::make(
        connection(), kafka_.topic(), {.each_round = [] {}, .on_fatal = [](const Error&) {}}));
    const auto parcel = std::make_shared<Foreign>();
    parcel->partition = kPartition;
    parcel->records = {record};
    must(producer->send(parcel));
    return must(parcel->landed.get_future().get());
  }
  void expect_open_fails(const KafkaLogOptions& options, ErrorKind kind, const char* words) {
    const auto opened = KafkaLog::open(options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, kind);
    EXPECT_THAT(opened.error().message, HasSubstr(words));
  }

  KafkaFixture kafka_;
};

TEST_F(KafkaLossTest, ALogThatDoesNotBeginAtZeroIsRefused) {
  auto log = open();
  write(*log, 5);
  delete_records_before(connection(), kafka_.topic(), 0, 2);
  const auto claimed = log->open_writer(kPartition, kWriter);
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().kind, ErrorKind::kCorrupt);
  must(log->close());
  log.reset();
  expect_open_fails(options(), ErrorKind::kCorrupt, "begins at offset 2 instead of 0");
  expect_open_fails(options("new"), ErrorKind::kCorrupt, "begins at offset 2 instead of 0");
}

TEST_F(KafkaLossTest, TruncationUnderARunningProcessStopsItsClaims) {
  const auto log = open();
  write(*log, 5);
  replace_topic();
  const auto claimed = log->open_writer(kPartition, kWriter);
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(history_of(*open("another")).payloads, IsEmpty()) << "it wrote a claim all the same";
}

TEST_F(KafkaLossTest, AMirrorThatDiffersIsMadeAnewAndFewerDecisionsThanItHeldStopTheClaim) {
  auto log = open();
  write(*log, 5);
  log.reset();
  replace_topic();
  {
    const auto another = open("another");
    write(*another, 2);
  }
  log = open();
  EXPECT_THAT(must(log->status(kPartition)).rebuilt, HasSubstr("at offset 5"));
  EXPECT_EQ(history_of(*log).payloads, payloads(2));
  const auto claimed = log->open_writer(kPartition, kWriter);
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(claimed.error().message, HasSubstr("holds 2 decisions, but 5 were durable"));
}

TEST_F(KafkaLossTest, AMirrorOfAsManyOtherRecordsIsMadeAnew) {
  auto log = open();
  write(*log, 2);
  write(*log, 2);  // a second claim: other stamps at the same offsets
  log.reset();
  replace_topic();
  {
    const auto another = open("another");
    write(*another, 5);
  }
  log = open();
  EXPECT_THAT(must(log->status(kPartition)).rebuilt, HasSubstr("is not the one"));
  EXPECT_EQ(history_of(*log).payloads, payloads(5));
}

TEST_F(KafkaLossTest, AMirrorThatIsAPartOfTheLogGoesOn) {
  auto log = open();
  write(*log, 3);
  log.reset();
  {
    const auto another = open("another");
    write(*another, 3);
  }
  log = open();
  EXPECT_THAT(must(log->status(kPartition)).rebuilt, IsEmpty());
  EXPECT_EQ(history_of(*log).payloads, payloads(6));
}

TEST_F(KafkaLossTest, ForeignRecordsInTheTopicAreVoid) {
  const auto log = open();
  EXPECT_EQ(put(as_bytes("not a record of ours")), Offset{0});
  write(*log, 2);
  const History found = history_of(*log);
  EXPECT_EQ(found.payloads, payloads(2));
  EXPECT_EQ(found.void_records, 1u);
}

// What an old session still had in flight comes late, with the number that is next.
TEST_F(KafkaLossTest, ALateRecordOfALostClaimStopsReadersThoughAnotherClaimStandsAtItsOffset) {
  Session lost = must(open()->open_writer(kPartition, kWriter));
  replace_topic();
  const auto another = open("another");
  write(*another, 2);
  lost.next = {2};
  EXPECT_EQ(lost.stamp, Stamp{1}) << "the offset is the same";
  const Batch late = make_batch(lost, 1);
  const ParsedRecord record = parse_record(late.bytes.view());
  EXPECT_EQ(put(late.bytes.view().first(record.size)), Offset{3});
  const History found = history_of(*open("a third"));
  EXPECT_EQ(found.payloads, payloads(2));
  ASSERT_TRUE(found.error);
  EXPECT_EQ(found.error->kind, ErrorKind::kCorrupt);
  EXPECT_THAT(found.error->message, HasSubstr("is not at offset 0 any more"));
}

TEST_F(KafkaLossTest, AnotherNumberOfPartitionsIsRefused) {
  KafkaLogOptions wrong = options();
  wrong.partitions = 3;
  expect_open_fails(wrong, ErrorKind::kInvalid, "has 2 partitions, this process was started for 3");
}

TEST_F(KafkaLossTest, AMissingTopicIsNamedWithTheRemedy) {
  KafkaLogOptions wrong = options();
  wrong.topic = "no.such.log";
  expect_open_fails(wrong, ErrorKind::kNotFound, "tenure kafka topics --create");
}

TEST_F(KafkaLossTest, AWrongAddressIsNamed) {
  KafkaLogOptions wrong = options();
  wrong.connection.brokers = "127.0.0.1:1";
  expect_open_fails(wrong, ErrorKind::kUnavailable, "127.0.0.1:1");
}

TEST_F(KafkaLossTest, AMirrorInUseIsRefused) {
  const auto log = open();
  expect_open_fails(options(), ErrorKind::kConflict, "test");
}

}  // namespace
}  // namespace tenure::test
