// What is settled is not asked for again, and what is not, is: across refusals, stops, restarts and
// partitions that move between processes.
#include "tests/kafka/kafka_intake_fixture.h"
#include "tools/server/kafka_outbox.h"

namespace tenure::test {
namespace {

using Mode = IntakeProcess::Mode;
using ::testing::ElementsAre;

class KafkaSettlingTest : public IntakeFixture {
 protected:
  void publish_numbered(int from, int to, const KafkaHeaders& headers = {}) {
    for (int i = from; i < to; ++i) {
      publish_for("acme", create_json(fmt::format("c{}", i), "acme"), headers);
    }
  }
  bool settled(IntakeProcess& process, uint64_t below) {
    return eventually([&] { return process.intake().settled_below(acme_) == Offset{below}; });
  }
  static std::vector<std::string> numbered_ids(int from, int to) {
    std::vector<std::string> ids;
    for (int i = from; i < to; ++i) ids.push_back(fmt::format("c{}", i));
    return ids;
  }

  const PartitionId acme_{home("acme")};
  const KafkaHeaders reply_ = {{"reply-to", "me"}};
  FakeLog log_;
};

TEST_F(KafkaSettlingTest, NothingIsReadBeforeItsOwnerStartsIt) {
  IntakeProcess process(options(), log_);
  publish_numbered(0, 3);
  process.wait_assigned(kPartitions);
  const uint64_t polls = process.intake().polls();
  EXPECT_TRUE(eventually([&] { return process.intake().polls() > polls + 5; }));
  EXPECT_EQ(process.intake().stats().read, 0u);
  EXPECT_EQ(process.intake().settled_below(acme_), std::nullopt);
  process.intake().start(acme_, Offset{1});  // the log has the first one
  EXPECT_TRUE(settled(process, 3));
  EXPECT_EQ(process.ids(), numbered_ids(1, 3));
  EXPECT_EQ(process.submitted().at(0).source, Offset{1});
}

TEST_F(KafkaSettlingTest, ARestartGoesOnWhereTheGroupIs) {
  {
    IntakeProcess one(options(), log_);
    one.join_alone(kPartitions);
    publish_numbered(0, 5, reply_);
    EXPECT_TRUE(settled(one, 5));
  }
  publish_numbered(5, 7, reply_);
  IntakeProcess two(options(), log_);
  two.join_alone(kPartitions);
  EXPECT_TRUE(settled(two, 7));
  EXPECT_EQ(two.ids(), numbered_ids(5, 7));
  EXPECT_EQ(TopicReader(topic("results")).read(7).size(), 7u);
}

TEST_F(KafkaSettlingTest, WhatWasDecidedButNotSettledIsReadAgainAndItsResultPublished) {
  {
    IntakeProcess one(options(), log_);
    one.set_mode(Mode::kHold);
    one.join_alone(kPartitions);
    publish_numbered(0, 3, reply_);
    EXPECT_TRUE(eventually([&] { return one.submitted().size() == 3; }));
    // Decided and durable, but the process ends before it hears of it.
    const std::string json = create_json("c0", "acme");
    CommandParser parser;
    log_.decide(acme_, *parser.parse(json, {}), [](const Answer&) {});
  }
  IntakeProcess two(options(), log_);
  two.join_alone(kPartitions);
  EXPECT_TRUE(settled(two, 3));
  EXPECT_EQ(two.ids(), numbered_ids(0, 3));
  std::map<std::string, std::string> answers;
  for (const Message& each : TopicReader(topic("results")).read(3)) {
    answers[each.key] = each.header("tenure-answer");
  }
  EXPECT_EQ(answers["c0"], "duplicate");
  EXPECT_EQ(answers["c1"], "decided");
}

TEST_F(KafkaSettlingTest, ALaterOneThatIsSettledDoesNotMoveTheOffsetOverAnEarlierOne) {
  {
    IntakeProcess one(options(), log_);
    one.set_mode(Mode::kHold);
    one.join_alone(kPartitions);
    publish_numbered(0, 1);
    EXPECT_TRUE(eventually([&] { return one.submitted().size() == 1; }));
    one.set_mode(Mode::kDecide);
    publish_numbered(1, 4);
    EXPECT_TRUE(eventually([&] { return one.intake().stats().under_way == 1; }));
    EXPECT_EQ(one.intake().settled_below(acme_), Offset{0});
  }
  IntakeProcess two(options(), log_);
  two.join_alone(kPartitions);
  EXPECT_TRUE(settled(two, 4));
  EXPECT_EQ(two.ids(), numbered_ids(0, 4));
  EXPECT_EQ(log_.count(), 4u);
}

TEST_F(KafkaSettlingTest, WhatIsRefusedForNowIsReadAgainInOrderByTheSameProcess) {
  IntakeProcess process(options(), log_);
  process.set_mode(Mode::kRefuse);
  process.join_alone(kPartitions);
  publish_numbered(0, 3, reply_);
  EXPECT_TRUE(eventually([&] { return process.intake().stats().read_again >= 2; }));
  EXPECT_EQ(process.intake().settled_below(acme_), Offset{0});
  process.set_mode(Mode::kDecide);
  EXPECT_TRUE(settled(process, 3));
  const auto ids = process.ids();
  EXPECT_EQ(std::vector(ids.end() - 3, ids.end()), numbered_ids(0, 3));
  EXPECT_EQ(log_.count(), 3u);
}

TEST_F(KafkaSettlingTest, WhatOneProcessCouldNotDecideTheNextOwnerDoes) {
  auto one = std::make_unique<IntakeProcess>(options(), log_);
  one->set_mode(Mode::kRefuse);
  one->join_alone(kPartitions);
  publish_numbered(0, 3, reply_);
  EXPECT_TRUE(eventually([&] { return one->submitted().size() >= 3; }));
  IntakeProcess two(options(), log_);
  EXPECT_TRUE(eventually(
      [&] { return two.assigned().size() == kPartitions / 2 && one->revoked().size() == 2; }));
  EXPECT_EQ(one->assigned().size(), kPartitions / 2);
  one.reset();
  two.wait_assigned(kPartitions);
  two.start_all();
  EXPECT_TRUE(settled(two, 3));
  EXPECT_EQ(two.ids(), numbered_ids(0, 3));
  EXPECT_EQ(TopicReader(topic("results")).read(3).size(), 3u);
}

TEST_F(KafkaSettlingTest, WhatStaysWithAProcessGoesOnWhileOthersCome) {
  IntakeProcess one(options(), log_);
  one.join_alone(kPartitions);
  publish_numbered(0, 2);
  EXPECT_TRUE(settled(one, 2));
  IntakeProcess two(options(), log_);
  two.wait_assigned(kPartitions / 2);
  two.start_all();
  EXPECT_EQ(one.revoked(), two.assigned());
  IntakeProcess& owner = one.assigned().contains(acme_) ? one : two;
  publish_numbered(2, 4);
  EXPECT_TRUE(settled(owner, 4));
  EXPECT_EQ(one.submitted().size() + two.submitted().size(), 4u);
}

TEST_F(KafkaSettlingTest, AStoppedPartitionStaysAssignedAndStartsAgainWhereItIsSettled) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  publish_numbered(0, 2);
  EXPECT_TRUE(settled(process, 2));
  process.intake().stop(acme_);
  const uint64_t polls = process.intake().polls();
  EXPECT_TRUE(eventually([&] { return process.intake().assigned_since(acme_, polls); }));
  EXPECT_FALSE(process.intake().assigned_since({kPartitions}, polls));
  publish_numbered(2, 4);
  const uint64_t later = process.intake().polls();
  EXPECT_TRUE(eventually([&] { return process.intake().polls() > later + 5; }));
  EXPECT_EQ(process.submitted().size(), 2u);
  process.intake().start(acme_, Offset{0});
  EXPECT_TRUE(settled(process, 4));
  EXPECT_EQ(process.ids(), numbered_ids(0, 4));
}

TEST_F(KafkaSettlingTest, AProcessThatStandsStillLosesItsPartitionsAndKnows) {
  KafkaIntakeOptions impatient = options();
  impatient.max_poll_interval = impatient.session_timeout;
  IntakeProcess one(impatient, log_);
  one.join_alone(kPartitions);
  publish_numbered(0, 1);
  EXPECT_TRUE(settled(one, 1));
  EXPECT_TRUE(one.intake().assigned_since(acme_, 0));
  // What is settled is committed between polls, a little later: what is not yet is read again.
  const auto committed = std::chrono::steady_clock::now() + 4 * impatient.commit_every;
  const uint64_t polls = one.intake().polls();
  EXPECT_TRUE(eventually([&] {
    return std::chrono::steady_clock::now() > committed && one.intake().polls() > polls + 4;
  }));
  one.set_mode(Mode::kBlock);
  publish_numbered(1, 3);
  // Before it has polled again, and though nobody told it.
  EXPECT_TRUE(eventually([&] { return !one.intake().assigned_since(acme_, 0); }));
  IntakeProcess two(options(), log_);
  two.join_alone(kPartitions);
  EXPECT_TRUE(settled(two, 3));
  EXPECT_EQ(two.ids(), numbered_ids(1, 3));
  one.set_mode(Mode::kDecide);
  EXPECT_TRUE(eventually([&] { return one.lost().size() == kPartitions; }));
  EXPECT_TRUE(eventually([&] { return one.assigned().size() == kPartitions / 2; }));
  EXPECT_EQ(log_.count(), 3u);
}

TEST_F(KafkaSettlingTest, NoMoreThanTheLimitIsUnderWay) {
  KafkaIntakeOptions few = options();
  few.limits.messages = 10;
  IntakeProcess process(few, log_);
  process.set_mode(Mode::kHold);
  process.join_alone(kPartitions);
  publish_numbered(0, 35);
  EXPECT_TRUE(eventually([&] { return process.submitted().size() == 10; }));
  const uint64_t polls = process.intake().polls();
  EXPECT_TRUE(eventually([&] { return process.intake().polls() > polls + 5; }));
  EXPECT_EQ(process.submitted().size(), 10u);
  // Another partition goes on meanwhile.
  const auto held = process.submitted();
  process.set_mode(Mode::kDecide);
  const PartitionId other{(home("acme") + 1) % kPartitions};
  publish(other.value, "garbage");
  EXPECT_TRUE(eventually([&] { return process.intake().settled_below(other) == Offset{1}; }));
  const Answer answer = answer_with(Answer::Kind::kDecided, {}, {});
  for (const auto& each : held) each.reply(answer);
  EXPECT_TRUE(settled(process, 35));
  std::vector<std::string> ids = process.ids();
  EXPECT_EQ(std::erase(ids, fmt::format("kafka-{}-0", other.value)), 1u);
  EXPECT_EQ(ids, numbered_ids(0, 35));
}

TEST_F(KafkaSettlingTest, AWrongNumberOfPartitionsAndAMissingTopicAreNamed) {
  KafkaIntakeOptions wrong = options();
  wrong.partitions = 3;
  const auto counted = KafkaIntake::open(wrong, {});
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(counted.error().message, ::testing::HasSubstr("has 4 partitions, the log 3"));
  wrong = options();
  wrong.prefix = "none";
  const auto missing = KafkaIntake::open(wrong, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr("none.commands"));
}

// --- without a broker ---

TEST(KafkaLane, IsSettledBelowTheLowestThatIsNot) {
  KafkaLane lane({});
  EXPECT_EQ(lane.settled_below(), std::nullopt);
  lane.restart(Offset{10});
  EXPECT_EQ(lane.settled_below(), Offset{10});
  const auto a = lane.admit(Offset{10}, 1), b = lane.admit(Offset{12}, 1);
  lane.settle(b);
  EXPECT_EQ(lane.settled_below(), Offset{10});
  lane.settle(a);
  EXPECT_EQ(lane.settled_below(), Offset{13});
}

TEST(KafkaLane, WhatComesForARoundThatIsOverCountsNoMore) {
  KafkaLane lane({});
  lane.restart(Offset{0});
  const auto old = lane.admit(Offset{0}, 1);
  lane.trouble(old);
  EXPECT_TRUE(lane.troubled());
  lane.restart(Offset{0});
  EXPECT_FALSE(lane.troubled());
  lane.admit(Offset{0}, 1);
  lane.settle(old);
  lane.trouble(old);
  EXPECT_FALSE(lane.troubled());
  EXPECT_EQ(lane.settled_below(), Offset{0});
}

TEST(KafkaLane, IsFullByMessagesOrByBytes) {
  KafkaLane lane({.messages = 4, .bytes = 100});
  lane.restart(Offset{0});
  const auto large = lane.admit(Offset{0}, 100);
  EXPECT_FALSE(lane.wait_for_room(std::chrono::milliseconds(1)));
  lane.settle(large);
  EXPECT_TRUE(lane.wait_for_room(std::chrono::milliseconds(1)));
  for (uint64_t i = 1; i <= 4; ++i) lane.admit(Offset{i}, 1);
  EXPECT_FALSE(lane.wait_for_room(std::chrono::milliseconds(1)));
  EXPECT_FALSE(lane.has_room_again());
}

TEST(KafkaOutbox, ADecisionIsNotSettledBeforeItsResultIsAcknowledged) {
  auto publisher =
      must(KafkaPublisher::make({.connection = {.brokers = "127.0.0.1:1", .properties = {}}}));
  auto outbox = std::make_shared<KafkaOutbox>(
      KafkaOutbox::Options{.topics = {"commands", "results", "quarantine"}}, std::move(publisher));
  auto lane = std::make_shared<KafkaLane>(KafkaLane::Limits{});
  lane->restart(Offset{0});
  const auto place = [&](uint64_t offset) {
    return KafkaOutbox::Place{lane, lane->admit(Offset{offset}, 1)};
  };
  const Reply wanted = outbox->reply(place(0), "c", KafkaReplyTo{"me", "", true});
  const Reply unwanted = outbox->reply(place(1), "c", std::nullopt);
  const Answer answer = answer_with(Answer::Kind::kDecided, {}, {});
  unwanted(answer);
  EXPECT_EQ(lane->under_way(), 1u);
  wanted(answer);
  EXPECT_FALSE(lane->wait_published(std::chrono::milliseconds(200)));
  EXPECT_EQ(lane->settled_below(), Offset{0});
  // The quarantine is waited for, whether or not a result is wanted.
  lane->restart(Offset{0});
  outbox->reply(place(0), "c", std::nullopt, KafkaOutgoing{"quarantine", {}, "", "", {}})(answer);
  EXPECT_EQ(lane->settled_below(), Offset{0});
  outbox->end();
  outbox->reply(place(2), "c", KafkaReplyTo{"me", "", true})(answer);
  EXPECT_EQ(lane->settled_below(), Offset{0});
}

}  // namespace
}  // namespace tenure::test
