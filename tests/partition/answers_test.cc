// What a command's sender is told, and when.
#include <gtest/gtest.h>

#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

class Answers : public testing::Test {
 protected:
  Answers() { partition.open(); }

  MemoryStateStore store;
  Harness partition{store};
};

TEST_F(Answers, ComeOnlyWhenTheRecordIsDurable) {
  const size_t created = partition.send(create("1", "acme"));
  while (partition.step() || partition.run_posted()) {
  }
  EXPECT_FALSE(partition.answer(created).there()) << "decided, handed over, not durable";
  EXPECT_EQ(partition.partition().durable().value, 0u);

  ASSERT_TRUE(partition.log().pump());
  EXPECT_FALSE(partition.answer(created).there()) << "durable, not known yet";
  partition.run_posted();
  EXPECT_EQ(partition.answer(created).kind, Answer::Kind::kDecided);
  EXPECT_TRUE(partition.answer(created).accepted());
  EXPECT_EQ(partition.partition().durable().value, 1u);
}

TEST_F(Answers, OfOneBatchComeTogetherWhileTheNextFills) {
  const size_t first = partition.send(create("1", "acme"));
  partition.step();  // the log is idle: handed over at once
  const size_t second = partition.send(add("2", "acme", "bob"));
  const size_t third = partition.send(add("3", "acme", "carl"));
  while (partition.step()) {
  }
  ASSERT_TRUE(partition.log().pump());
  ASSERT_FALSE(partition.log().pump()) << "one batch in flight, not two";
  partition.run_posted();
  EXPECT_TRUE(partition.answer(first).there());
  EXPECT_FALSE(partition.answer(second).there());
  ASSERT_TRUE(partition.log().pump());
  partition.run_posted();
  EXPECT_TRUE(partition.answer(second).there());
  EXPECT_TRUE(partition.answer(third).there());
}

TEST_F(Answers, CarryTheVersionAsTheNumberOfAcceptedDecisions) {
  EXPECT_EQ(partition.ask(create("1", "acme")).version(), 1u);
  EXPECT_EQ(partition.ask(add("2", "acme", "bob")).version(), 2u);
  const KeptAnswer refused = partition.ask(add("3", "acme", "bob"));
  EXPECT_EQ(refused.code(), schema::RejectionCode::already_member);
  EXPECT_EQ(refused.version(), 2u) << "a rejection raises nothing";
  EXPECT_EQ(refused.number, 2u) << "but it is in the log";
  EXPECT_EQ(partition.ask(create("1", "zeta")).version(), 1u) << "counted per organization";
}

TEST_F(Answers, NameTheRulebookThatDecided) {
  EXPECT_EQ(partition.ask(create("1", "acme")).decision().rulebook()->str(), "space@1");
  EXPECT_EQ(partition.ask(add("2", "acme", "bob")).decision().rulebook()->str(), "space@1");
  const KeptAnswer stranger = partition.ask(add("3", "nowhere", "bob"));
  EXPECT_EQ(stranger.code(), schema::RejectionCode::not_a_member);
  EXPECT_EQ(stranger.decision().rulebook(), nullptr) << "no organization was there to name one";
}

TEST_F(Answers, RefuseAnotherExpectedVersionThanTheCurrentOne) {
  partition.ask(create("1", "acme"));
  const auto expect = [&](std::string_view id, std::string_view version) {
    return partition.ask(json(id, "acme", "user:olga", "AddMember",
                              R"("user":")" + std::string(id) + R"(","role":"ADMIN")",
                              R"(,"expected_version":)" + std::string(version)));
  };
  EXPECT_EQ(expect("a", "0").code(), schema::RejectionCode::version_conflict);
  EXPECT_EQ(expect("b", "2").code(), schema::RejectionCode::version_conflict);
  EXPECT_TRUE(expect("c", "1").accepted());
}

TEST_F(Answers, NeverGoBackInTime) {
  const int64_t first = partition.ask(create("1", "acme")).time();
  EXPECT_EQ(first, to_micros(partition.now));
  partition.now -= std::chrono::hours(1);
  EXPECT_EQ(partition.ask(add("2", "acme", "bob")).time(), first + 1);
  partition.open();  // also after a restart
  EXPECT_EQ(partition.ask(add("3", "acme", "carl")).time(), first + 2);
  partition.now += std::chrono::hours(2);
  EXPECT_EQ(partition.ask(add("4", "acme", "dora")).time(), to_micros(partition.now));
}

TEST_F(Answers, KeepTheOrderInWhichCommandsOfAnOrganizationCame) {
  partition.send(create("1", "acme"));
  std::vector<size_t> sent;
  for (uint64_t i = 0; i < 500; i++) {
    sent.push_back(partition.send(add(std::to_string(i + 2), "acme", numbered("u", i))));
  }
  partition.settle();
  for (size_t i = 0; i < sent.size(); i++) EXPECT_EQ(partition.answer(sent[i]).number, i + 1);
}

TEST_F(Answers, SayUnavailableForEverythingAfterTheLogFailed) {
  partition.ask(create("1", "acme"));
  partition.log().fail_appends({ErrorKind::kIo, "no space left in this test"});
  const size_t in_flight = partition.send(add("2", "acme", "bob"));
  partition.step();
  const size_t in_open_batch = partition.send(add("3", "acme", "carl"));
  partition.step();
  const size_t queued = partition.send(add("4", "acme", "dora"));
  const size_t retry = partition.send(add("2", "acme", "bob"));
  partition.settle();
  for (size_t index : {in_flight, in_open_batch, queued, retry}) {
    EXPECT_EQ(partition.answer(index).times, 1u);
    EXPECT_EQ(partition.answer(index).kind, Answer::Kind::kUnavailable);
    EXPECT_NE(partition.answer(index).message.find("no space left in this test"),
              std::string::npos);
  }
  ASSERT_TRUE(partition.partition().failure().has_value());
  const size_t late = partition.send(add("5", "acme", "emil"));
  EXPECT_EQ(partition.answer(late).kind, Answer::Kind::kUnavailable) << "answered at once";
  EXPECT_EQ(partition.decisions().size(), 1u) << "nothing of it is in the log";
}

TEST_F(Answers, SayUnavailableWhileTheLogRefusesAndGoOnAfter) {
  const KeptAnswer original = partition.ask(create("1", "acme"));
  partition.log().refuse("the disk is nearly full");
  const KeptAnswer refused = partition.ask(add("2", "acme", "bob"));
  EXPECT_EQ(refused.kind, Answer::Kind::kUnavailable);
  EXPECT_EQ(refused.message, "the disk is nearly full");
  EXPECT_EQ(partition.ask(create("1", "acme")).kind, Answer::Kind::kDuplicate)
      << "what is known already is still told";
  partition.log().refuse(std::nullopt);
  EXPECT_TRUE(partition.ask(add("2", "acme", "bob")).accepted()) << "nothing was recorded before";
}

TEST(Queue, RefusesMoreThanItsLimit) {
  MemoryStateStore store;
  Harness partition(store, {.max_queued = 2});
  partition.open();
  const size_t first = partition.send(create("1", "acme"));
  const size_t second = partition.send(add("2", "acme", "bob"));
  const size_t third = partition.send(add("3", "acme", "carl"));
  EXPECT_EQ(partition.answer(third).kind, Answer::Kind::kUnavailable) << "answered at once";
  partition.settle();
  EXPECT_TRUE(partition.answer(first).accepted());
  EXPECT_TRUE(partition.answer(second).accepted());
}

TEST(Batches, FollowIntoFlightWhenFullAndThenDecidingStops) {
  MemoryStateStore store;
  Harness partition(store, {.batch_bytes = 1});  // every decision fills a batch
  partition.open();
  for (uint64_t i = 0; i < 5; i++) partition.send(create("1", numbered("org", i)));
  while (partition.step()) {
  }
  EXPECT_EQ(partition.partition().next_number().value, 3u) << "two in flight and a full one";
  EXPECT_EQ(partition.partition().stats().waiting, 2u);
  partition.settle();
  EXPECT_EQ(partition.partition().durable().value, 5u);
}

}  // namespace
}  // namespace tenure::test
