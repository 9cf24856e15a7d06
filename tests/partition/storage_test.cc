// Checkpoints, cold organizations and what goes wrong with the store while the partition runs.
#include <gtest/gtest.h>

#include "engine/partition/row_key.h"
#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

class Storage : public testing::Test {
 protected:
  MemoryStateStore store;
};

void make_organizations(Harness& partition, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    const std::string org = numbered("org", i);
    partition.send(create("1", org));
    partition.send(add("2", org, "bob"));
  }
  partition.settle();
}

TEST_F(Storage, ACheckpointWaitsForTheRecordsItStandsOn) {
  Harness partition(store);
  partition.open();
  partition.send(create("1", "acme"));
  partition.step();
  partition.now += std::chrono::seconds(10);
  while (partition.step()) {
  }
  EXPECT_FALSE(partition.run_job()) << "gathered, but its decision is not durable";
  partition.settle();
  EXPECT_EQ(store.mark()->value().position.next_number.value, 1u);
}

size_t members_stored(const StateStore& store, std::string_view org) {
  size_t members = 0;
  const auto read =
      store.read_rows(org, [&](std::string_view key, std::string_view) -> Result<void> {
        members += key[0] == static_cast<char>(RowKind::kMember);
        return {};
      });
  EXPECT_TRUE(read.has_value());
  return members;
}

TEST_F(Storage, WhatIsDecidedWhileACheckpointIsGatheredMayBeInItAndIsNotAppliedTwice) {
  Harness partition(store, {.batch_bytes = 1});
  partition.open();
  partition.ask(create("1", "acme"));
  partition.now += std::chrono::seconds(10);
  partition.step();                         // begins
  partition.send(add("2", "acme", "bob"));  // changes what is not encoded yet
  partition.step();
  partition.settle();
  const CheckpointMark mark = **store.mark();
  ASSERT_EQ(mark.position.next_number.value, 1u);
  EXPECT_EQ(mark.last.next.value, 2u);
  EXPECT_EQ(members_stored(store, "acme"), 2u) << "olga, and bob";
  const uint64_t live = *partition.partition().digest("acme");
  partition.open();  // replays decision 1
  EXPECT_EQ(*partition.partition().digest("acme"), live);
  partition.ask(add("3", "acme", "carl"));
  EXPECT_NE(*partition.partition().digest("acme"), live) << "later decisions are applied";
}

TEST_F(Storage, ALogThatLostWhatACheckpointKnowsIsRefused) {
  MemoryStateStore other_store;
  Harness partition(store, {.batch_bytes = 1}), shorter(other_store);
  shorter.open();
  shorter.ask(create("1", "acme"));
  partition.open();
  partition.ask(create("1", "acme"));
  partition.now += std::chrono::seconds(10);
  partition.step();
  partition.send(add("2", "acme", "bob"));
  partition.settle();
  ASSERT_EQ(store.mark()->value().last.next.value, 2u);
  partition.share_log_of(shorter);
  const auto opened = partition.try_open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find("it ends before decision 1"), std::string::npos);
}

TEST_F(Storage, AfterSavingAStartReadsNoTail) {
  Harness partition(store);
  partition.open();
  make_organizations(partition, 5);
  partition.checkpoint();
  partition.ask(add("3", "org1", "carl"));
  partition.now += std::chrono::seconds(10);
  partition.step();  // begins a checkpoint, and is stopped while it gathers
  partition.ask(add("4", "org2", "dora"));
  const uint64_t live = *partition.partition().digest("org2");
  ASSERT_TRUE(partition.partition().save().has_value());
  partition.open();
  EXPECT_EQ(partition.partition().stats().replayed, 0u);
  EXPECT_EQ(*partition.partition().digest("org2"), live);
}

TEST_F(Storage, WhatIsNotDurableIsNotSaved) {
  Harness partition(store);
  partition.open();
  partition.send(create("1", "acme"));
  partition.step();
  ASSERT_TRUE(partition.partition().save().has_value());
  EXPECT_FALSE(store.mark()->has_value());
}

TEST_F(Storage, ACheckpointBeginsWhenEnoughHasChanged) {
  Harness partition(store, {.checkpoint_bytes = 10'000});
  partition.open();
  make_organizations(partition, 500);
  EXPECT_GE(partition.partition().stats().checkpoints, 1u) << "no time has passed";
}

// Else all that is sent meanwhile would wait for it.
TEST_F(Storage, ALargeCheckpointIsGatheredOverHalfOfItsInterval) {
  Harness partition(store);
  partition.open();
  make_organizations(partition, 1'000);
  const auto begun_at = partition.partition().next_number();
  partition.now += std::chrono::seconds(10);
  partition.settle();
  EXPECT_TRUE(partition.ask(add("4", "org5", "zoe")).accepted());
  EXPECT_EQ(*partition.partition().next_due(), partition.now + std::chrono::milliseconds(10))
      << "it wants to go on";
  partition.now += std::chrono::seconds(2);
  partition.settle();
  EXPECT_FALSE(store.mark()->has_value()) << "not all is encoded";
  partition.now += std::chrono::seconds(3);
  partition.settle();
  EXPECT_EQ(store.mark()->value().position.next_number, begun_at);
  EXPECT_EQ(members_stored(store, "org5"), 3u) << "encoded after zoe came";
}

TEST_F(Storage, AClockThatGoesBackHoldsUpNoCheckpoint) {
  Harness partition(store);
  partition.open();
  make_organizations(partition, 1'000);
  partition.now += std::chrono::seconds(10);
  partition.settle();
  const auto begun_at = partition.partition().next_number();
  partition.now -= std::chrono::hours(1);
  partition.settle();
  partition.now += std::chrono::seconds(5);
  partition.settle();
  EXPECT_EQ(store.mark()->value().position.next_number, begun_at);
}

TEST_F(Storage, ColdOrganizationsDecideAsHotOnes) {
  std::vector<std::vector<std::string>> logs;
  std::vector<std::vector<uint64_t>> digests;
  for (const size_t memory : {size_t{1} << 30, size_t{0}}) {
    MemoryStateStore own_store;
    Harness partition(own_store, {.memory_for_organizations = memory});
    partition.open();
    make_organizations(partition, 50);
    for (uint64_t round = 0; round < 5; round++) {
      partition.checkpoint();
      partition.now += std::chrono::seconds(1);
      partition.settle();
      for (uint64_t i = 0; i < 50; i++) {
        const std::string org = numbered("org", i);
        const std::string id = numbered("r", round);
        partition.ask(add(id, org, numbered("u", round % 3)));
      }
    }
    logs.push_back(partition.decisions());
    digests.emplace_back();
    for (uint64_t i = 0; i < 50; i++) {
      digests.back().push_back(*partition.partition().digest(numbered("org", i)));
    }
    EXPECT_EQ(partition.partition().stats().loads > 0, memory == 0);
    EXPECT_EQ(partition.partition().stats().total_organizations, 50u);
  }
  EXPECT_EQ(logs[0], logs[1]) << "the same bytes";
  EXPECT_EQ(digests[0], digests[1]);
}

TEST_F(Storage, MemoryStaysWithinItsLimitOnceChangesAreWritten) {
  Harness partition(store, {.memory_for_organizations = 20'000});
  partition.open();
  make_organizations(partition, 200);
  EXPECT_EQ(partition.partition().stats().organizations, 200u) << "none is clean yet";
  partition.checkpoint();
  for (uint64_t i = 0; i < 10; i++) partition.step();
  EXPECT_LE(partition.partition().stats().organizations_memory, 20'000u);
  EXPECT_LT(partition.partition().stats().organizations, 20u);
}

TEST_F(Storage, AnOrganizationThatIsBeingLoadedHoldsUpNoOther) {
  Harness partition(store);
  partition.open();
  make_organizations(partition, 2);
  partition.checkpoint();
  partition.open();
  partition.send(add("3", "org0", "carl"));
  while (partition.step()) {
  }
  ASSERT_TRUE(partition.run_job());  // loads org0, but nobody heard of it yet
  const size_t cold = partition.send(add("4", "org0", "dora"));
  partition.ask(add("3", "org1", "carl"));
  EXPECT_TRUE(partition.answer(cold).accepted());
}

TEST_F(Storage, AnOrganizationThatDoesNotExistIsLookedUpOnlyIfSomeAreNotInMemory) {
  Harness partition(store);
  partition.open();
  make_organizations(partition, 1);
  partition.ask(add("1", "nowhere", "bob"));
  EXPECT_EQ(partition.partition().stats().loads, 0u);
  partition.checkpoint();
  partition.open();
  EXPECT_EQ(partition.ask(add("2", "nowhere", "bob")).code(), schema::RejectionCode::not_a_member);
  EXPECT_EQ(partition.partition().stats().loads, 1u);
}

TEST_F(Storage, ACheckpointThatCannotBeWrittenIsTriedAgain) {
  Harness partition(store, {.checkpoint_bytes = 200});
  partition.open();
  store.fail_writes(Error{ErrorKind::kUnavailable, "the disk is full"});
  make_organizations(partition, 3);
  EXPECT_EQ(partition.partition().stats().store_error, "the disk is full");
  make_organizations(partition, 100);
  const KeptAnswer refused = partition.ask(create("9", "more"));
  EXPECT_EQ(refused.kind, Answer::Kind::kUnavailable) << "changes wait in bounded memory";
  store.fail_writes(std::nullopt);
  partition.now += std::chrono::seconds(10);
  partition.settle();
  EXPECT_EQ(partition.partition().stats().store_error, "");
  EXPECT_TRUE(partition.ask(create("9", "more")).accepted());
}

TEST_F(Storage, DamagedRowsStopThePartitionAndCondemnTheStore) {
  Harness partition(store);
  partition.open();
  make_organizations(partition, 2);
  partition.checkpoint();
  partition.open();
  store.damage_rows_of("org0");
  EXPECT_EQ(partition.ask(add("3", "org0", "carl")).kind, Answer::Kind::kUnavailable);
  EXPECT_TRUE(partition.partition().failure().has_value());
  EXPECT_TRUE(store.condemned());
}

}  // namespace
}  // namespace tenure::test
