// One log, several processes: who follows, who writes, and what a takeover leaves.
#include <gtest/gtest.h>

#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

struct Process {
  MemoryStateStore store;
  Harness partition{store};
};

// `old` wrote, `next` follows the same log.
class Ownership : public testing::Test {
 protected:
  void SetUp() override {
    old.partition.open();
    old.partition.ask(create("1", "acme"));
    next.partition.share_log_of(old.partition);
    next.partition.follow();
  }
  uint64_t digest(Process& process) { return *process.partition.partition().digest("acme"); }

  Process old, next;
};

TEST_F(Ownership, AFollowerAppliesWhatTheWriterDecides) {
  EXPECT_EQ(digest(next), digest(old));
  old.partition.ask(add("2", "acme", "bob"));
  EXPECT_NE(digest(next), digest(old));
  next.partition.settle();
  EXPECT_EQ(digest(next), digest(old));
  EXPECT_EQ(next.partition.partition().durable(), old.partition.partition().durable());
}

TEST_F(Ownership, AFollowerDecidesNothing) {
  EXPECT_EQ(next.partition.ask(add("2", "acme", "bob")).kind, Answer::Kind::kUnavailable);
  EXPECT_FALSE(next.partition.partition().is_writer());
  EXPECT_FALSE(next.partition.partition().release());
  EXPECT_EQ(next.partition.decisions().size(), 1u);
}

TEST_F(Ownership, AFollowerTakesCheckpointsAndOpensFromThem) {
  old.partition.ask(add("2", "acme", "bob"));
  next.partition.checkpoint();
  next.partition.follow();
  EXPECT_EQ(digest(next), digest(old));
}

TEST_F(Ownership, AfterATakeoverARetryGetsTheOldWritersAnswer) {
  old.partition.ask(add("2", "acme", "bob"));
  next.partition.claim();
  const KeptAnswer& retried = next.partition.ask(add("2", "acme", "bob"));
  EXPECT_EQ(retried.kind, Answer::Kind::kDuplicate);
  EXPECT_EQ(retried.number, 1u);
  EXPECT_EQ(next.partition.ask(add("3", "acme", "eve")).number, 2u);
}

TEST_F(Ownership, TheOldWriterAnswersNobodyAfterATakeover) {
  const size_t late = old.partition.send(add("2", "acme", "bob"));
  old.partition.step();  // decided and handed to the log, not durable yet
  next.partition.claim();
  old.partition.settle();
  EXPECT_EQ(old.partition.answer(late).kind, Answer::Kind::kUnavailable);
  ASSERT_TRUE(old.partition.partition().failure());
  EXPECT_EQ(old.partition.partition().failure()->kind, ErrorKind::kConflict);
  EXPECT_EQ(next.partition.ask(add("2", "acme", "bob")).kind, Answer::Kind::kDecided);
}

TEST_F(Ownership, ADeadWriterFollowsAnewAndMayTakeOverAgain) {
  next.partition.claim();
  next.partition.ask(add("2", "acme", "bob"));
  old.partition.send(add("3", "acme", "eve"));
  old.partition.settle();
  ASSERT_TRUE(old.partition.partition().failure());
  EXPECT_TRUE(old.partition.partition().idle());
  old.partition.follow();
  EXPECT_EQ(digest(old), digest(next));
  old.partition.claim();
  EXPECT_EQ(old.partition.ask(add("3", "acme", "eve")).number, 2u);
}

TEST_F(Ownership, AClaimThatAnotherFollowsEndsThePartition) {
  next.partition.partition().claim({.process = "next", .address = "", .build = "test"});
  next.partition.run_job();  // claimed, not read yet
  old.partition.follow();
  old.partition.claim();
  next.partition.settle();
  EXPECT_FALSE(next.partition.partition().is_writer());
  ASSERT_TRUE(next.partition.partition().failure());
  EXPECT_EQ(next.partition.partition().failure()->kind, ErrorKind::kConflict);
}

TEST_F(Ownership, AWriterWithNothingInFlightFollowsAgain) {
  const size_t waiting = old.partition.send(add("2", "acme", "bob"));
  EXPECT_FALSE(old.partition.partition().release());
  old.partition.settle();
  EXPECT_TRUE(old.partition.answer(waiting).accepted());
  EXPECT_TRUE(old.partition.partition().release());
  next.partition.claim();
  next.partition.ask(add("3", "acme", "eve"));
  old.partition.settle();
  EXPECT_EQ(digest(old), digest(next));
  old.partition.claim();
  EXPECT_EQ(old.partition.ask(add("3", "acme", "eve")).kind, Answer::Kind::kDuplicate);
}

TEST_F(Ownership, TheSettledMarkPassesToTheNextOwner) {
  Harness& writer = old.partition;
  writer.send(command(add("2", "acme", "bob")), 10);
  writer.send(command(add("2", "acme", "bob")), 11);  // a retry, settled by its original
  writer.settle();
  EXPECT_EQ(writer.partition().settled(), 12u);
  next.partition.settle();
  EXPECT_EQ(next.partition.partition().settled(), 11u) << "the record was written before the retry";
  next.partition.claim();
  next.partition.send(command(add("2", "acme", "bob")), 11);
  next.partition.send(command(add("3", "acme", "eve")), 12);
  EXPECT_EQ(next.partition.partition().settled(), 11u);
  next.partition.settle();
  EXPECT_EQ(next.partition.partition().settled(), 13u);
}

}  // namespace
}  // namespace tenure::test
