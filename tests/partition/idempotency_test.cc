// Retries: one decision, the original answer, however often and whenever they come.
#include <gtest/gtest.h>

#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

using std::chrono::hours;

class Retries : public testing::Test {
 protected:
  Retries() { partition.open(); }

  void expect_same(const KeptAnswer& retry, const KeptAnswer& original) {
    EXPECT_EQ(retry.kind, Answer::Kind::kDuplicate);
    EXPECT_EQ(retry.number, original.number);
    EXPECT_TRUE(std::ranges::equal(retry.bytes, original.bytes));
  }

  MemoryStateStore store;
  Harness partition{store};
};

TEST_F(Retries, GetTheOriginalWhileItIsInFlight) {
  const size_t original = partition.send(create("1", "acme"));
  const size_t retry = partition.send(create("1", "acme"));
  while (partition.step()) {
  }
  EXPECT_FALSE(partition.answer(retry).there()) << "no answer before the original is durable";
  partition.settle();
  EXPECT_EQ(partition.answer(original).kind, Answer::Kind::kDecided);
  expect_same(partition.answer(retry), partition.answer(original));
  EXPECT_EQ(partition.decisions().size(), 1u);
}

TEST_F(Retries, GetTheOriginalFromTheLogAlsoAfterARestartAndACheckpoint) {
  const KeptAnswer original = partition.ask(create("1", "acme"));
  const KeptAnswer refused = partition.ask(add("2", "acme", "olga"));
  EXPECT_EQ(refused.code(), schema::RejectionCode::already_member);
  expect_same(partition.ask(create("1", "acme")), original);
  partition.open();
  expect_same(partition.ask(create("1", "acme")), original);
  partition.checkpoint();
  partition.open();
  expect_same(partition.ask(create("1", "acme")), original);
  expect_same(partition.ask(add("2", "acme", "olga")), refused);
  EXPECT_EQ(partition.decisions().size(), 2u) << "duplicates leave no record";
}

TEST_F(Retries, SentAThousandTimesAtOnceLeaveOneDecision) {
  partition.ask(create("1", "acme"));
  for (const bool after_restart : {false, true}) {
    if (after_restart) partition.open();
    std::vector<size_t> sent;
    for (uint64_t i = 0; i < 1000; i++) sent.push_back(partition.send(add("2", "acme", "bob")));
    partition.settle();
    size_t decided = 0;
    for (size_t index : sent) {
      decided += partition.answer(index).kind == Answer::Kind::kDecided;
      EXPECT_EQ(partition.answer(index).number, 1u);
      EXPECT_TRUE(
          std::ranges::equal(partition.answer(index).bytes, partition.answer(sent[0]).bytes));
    }
    EXPECT_EQ(decided, after_restart ? 0u : 1u);
  }
  EXPECT_EQ(partition.decisions().size(), 2u);
}

TEST_F(Retries, WithAnotherPayloadAreAMismatchAndLeaveNoRecord) {
  partition.ask(create("1", "acme"));
  const size_t original = partition.send(add("2", "acme", "bob"));
  const size_t in_flight = partition.send(add("2", "acme", "carl"));
  partition.settle();
  EXPECT_TRUE(partition.answer(original).accepted());
  EXPECT_EQ(partition.answer(in_flight).kind, Answer::Kind::kIdempotencyMismatch);
  EXPECT_EQ(partition.answer(in_flight).number, 1u) << "names the decision that has the id";
  EXPECT_FALSE(partition.answer(in_flight).message.empty());
  EXPECT_EQ(partition.ask(add("2", "acme", "carl")).kind, Answer::Kind::kIdempotencyMismatch);
  partition.open();
  EXPECT_EQ(partition.ask(add("2", "acme", "carl")).kind, Answer::Kind::kIdempotencyMismatch);
  EXPECT_EQ(partition.decisions().size(), 2u);
}

TEST_F(Retries, AreToldApartFromTheSameIdOfAnotherActorOrOrganization) {
  partition.ask(create("1", "acme"));
  EXPECT_EQ(partition.ask(create("1", "zeta")).kind, Answer::Kind::kDecided);
  partition.ask(add("2", "acme", "bob", "ADMIN"));
  const KeptAnswer bobs =
      partition.ask(json("2", "acme", "user:bob", "AddMember", R"("user":"c","role":"MANAGER")"));
  EXPECT_EQ(bobs.kind, Answer::Kind::kDecided);
  EXPECT_TRUE(bobs.accepted());
}

TEST_F(Retries, BehindAReadOfTheLogKeepTheirOrganizationsOrder) {
  partition.ask(create("1", "acme"));
  const size_t retry = partition.send(create("1", "acme"));
  const size_t next = partition.send(add("2", "acme", "bob"));
  const size_t other = partition.send(create("1", "zeta"));
  while (partition.step() || partition.log().pump() || partition.run_posted()) {
  }
  EXPECT_FALSE(partition.answer(retry).there());
  EXPECT_FALSE(partition.answer(next).there()) << "it waits in line";
  EXPECT_TRUE(partition.answer(other).there()) << "others do not wait for the read";
  partition.settle();
  EXPECT_EQ(partition.answer(retry).kind, Answer::Kind::kDuplicate);
  EXPECT_TRUE(partition.answer(next).accepted());
}

TEST_F(Retries, AreKnownForTheWholeWindowByPartitionTime) {
  const KeptAnswer original = partition.ask(create("1", "acme"));
  partition.now += hours(24 * 7);
  partition.ask(add("2", "acme", "bob"));  // moves the partition's time
  partition.checkpoint();
  expect_same(partition.ask(create("1", "acme")), original);
  partition.open();
  expect_same(partition.ask(create("1", "acme")), original);

  partition.now += hours(25);
  partition.ask(add("3", "acme", "carl"));
  partition.checkpoint();
  const KeptAnswer again = partition.ask(create("1", "acme"));
  EXPECT_EQ(again.kind, Answer::Kind::kDecided) << "its day is older than the window";
  EXPECT_EQ(again.code(), schema::RejectionCode::already_exists);
  partition.open();
  EXPECT_EQ(partition.ask(create("1", "acme")).number, again.number);
}

TEST(IdMemory, WhenFullRefusesNewIdsAndNeverForgetsSooner) {
  MemoryStateStore store;
  Harness partition(store, {.dedupe_max_ids = 2});
  partition.open();
  partition.ask(create("1", "acme"));
  const KeptAnswer second = partition.ask(add("2", "acme", "bob"));
  const KeptAnswer refused = partition.ask(add("3", "acme", "carl"));
  EXPECT_EQ(refused.kind, Answer::Kind::kUnavailable);
  EXPECT_EQ(partition.ask(add("2", "acme", "bob")).number, second.number);
  partition.open();
  EXPECT_EQ(partition.ask(add("3", "acme", "carl")).kind, Answer::Kind::kUnavailable);
  EXPECT_EQ(partition.decisions().size(), 2u);
  partition.now += hours(24 * 8);
  EXPECT_TRUE(partition.ask(add("3", "acme", "carl")).accepted()) << "the oldest day went";
}

}  // namespace
}  // namespace tenure::test
