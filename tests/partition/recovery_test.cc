// Opening: checkpoint and tail, and every way in which the two do not fit.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/domain/evolve.h"
#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

void make_history(Harness& partition, const std::string& org, uint64_t commands) {
  if (partition.partition().digest(org).value() == 0) partition.send(create("create", org));
  static uint64_t id = 0;
  for (uint64_t i = 0; i < commands; i++) {
    id++;
    partition.send(add(numbered("c", id), org, numbered("u", id)));
  }
  partition.settle();
}

uint64_t digest(Harness& partition) { return partition.partition().digest("acme").value(); }

TEST(Recovery, IsTheSameWithACheckpointAtAnyPoint) {
  constexpr uint64_t kRounds = 12;
  for (uint64_t at = 0; at <= kRounds; at++) {
    MemoryStateStore store;
    Harness partition(store);
    partition.open();
    for (uint64_t round = 0; round < kRounds; round++) {
      if (round == at) {
        make_history(partition, "acme", 1);
        partition.checkpoint();
      }
      make_history(partition, "acme", 3);
    }
    const uint64_t live = digest(partition);
    const auto next = partition.partition().next_number();
    partition.open();
    EXPECT_EQ(digest(partition), live) << "checkpoint at " << at;
    EXPECT_EQ(partition.partition().next_number(), next);
    MemoryStateStore empty;
    ASSERT_TRUE(store.reset().has_value());
    partition.open();
    EXPECT_EQ(digest(partition), live) << "replay from zero";
  }
}

TEST(Recovery, ReplaysOnlyTheTail) {
  MemoryStateStore store;
  Harness partition(store);
  partition.open();
  make_history(partition, "acme", 10);
  partition.checkpoint();
  make_history(partition, "zeta", 1);
  partition.open();
  EXPECT_EQ(partition.partition().stats().organizations, 1u) << "acme was not touched";
}

TEST(Recovery, OfALongLogTakesCheckpointsOnItsWay) {
  MemoryStateStore store;
  Harness partition(store, {.memory_for_organizations = 0, .checkpoint_bytes = 2'000});
  partition.open();
  for (uint64_t i = 0; i < 30; i++) make_history(partition, numbered("org", i), 10);
  ASSERT_TRUE(store.reset().has_value());
  partition.open();
  EXPECT_GT(store.mark()->value().position.next_number.value, 200u);
  EXPECT_LT(partition.partition().stats().organizations, 30u);
}

TEST(Recovery, LosesDecisionsThatWereNotDurableAndTheirRetriesAreNew) {
  MemoryStateStore store;
  Harness partition(store);
  partition.open();
  partition.ask(create("1", "acme"));
  const size_t lost = partition.send(add("2", "acme", "bob"));
  partition.step();
  partition.open();  // before the batch was durable
  EXPECT_FALSE(partition.answer(lost).there());
  EXPECT_EQ(partition.ask(add("2", "acme", "bob")).kind, Answer::Kind::kDecided);
}

TEST(Recovery, StopsIfTheLogEndsBeforeTheStore) {
  MemoryStateStore store;
  Harness partition(store);
  partition.open();
  make_history(partition, "acme", 10);
  partition.checkpoint();
  partition.replace_log();
  auto opened = partition.try_open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(opened.error().message.find("it ends before decision 10"), std::string::npos);
  EXPECT_EQ(partition.log().durable_end({}).value, 0u) << "not even a claim was written";
}

TEST(Recovery, StopsIfTheLogIsAnotherOne) {
  MemoryStateStore store, other_store;
  Harness partition(store), other(other_store);
  partition.open();
  make_history(partition, "acme", 10);
  partition.checkpoint();
  other.open();
  make_history(other, "zeta", 20);
  partition.share_log_of(other);
  const auto opened = partition.try_open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find("its decision 10 is another one"), std::string::npos);
}

TEST(Recovery, RebuildsAStoreOfAnotherVersion) {
  for (const bool evolve_differs : {true, false}) {
    MemoryStateStore store;
    Harness partition(store);
    partition.open();
    make_history(partition, "acme", 10);
    partition.checkpoint();
    const uint64_t live = digest(partition);
    store.change_mark([&](CheckpointMark& mark) {
      (evolve_differs ? mark.evolve_version : mark.rows_version)++;
    });
    partition.open();
    EXPECT_EQ(store.resets(), 1u);
    EXPECT_EQ(digest(partition), live);
  }
}

TEST(Recovery, RebuildsAStoreWhoseRowsAreDamaged) {
  MemoryStateStore store;
  Harness partition(store);
  partition.open();
  make_history(partition, "acme", 10);
  partition.checkpoint();
  make_history(partition, "acme", 1);
  const uint64_t live = digest(partition);
  store.damage_rows_of("acme");
  partition.open();
  EXPECT_EQ(store.resets(), 1u);
  EXPECT_EQ(digest(partition), live);
}

// The store in RocksDB, in a directory of its own.
class RocksStore : public testing::Test {
 protected:
  struct Running {
    std::unique_ptr<StateStore> store;
    Harness partition;
    explicit Running(const std::string& directory)
        : store(std::move(*open_state_store(directory))), partition(*store) {
      partition.open();
    }
  };
  std::string path() const { return directory.path() + "/state"; }
  std::vector<std::string> generations() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TemporaryDirectory directory;
};

TEST_F(RocksStore, OpensAtItsLastCheckpoint) {
  uint64_t live = 0;
  Running first(path());
  make_history(first.partition, "acme", 10);
  first.partition.checkpoint();
  first.partition.ask(
      json("s", "acme", "user:olga", "CreateSpace", R"("space":"alpha","name":"n","plan":"free")"));
  first.partition.ask(
      json("up", "acme", "user:olga", "UpgradePlan", R"("space":"alpha","plan":"basic")"));
  first.partition.checkpoint();
  live = digest(first.partition);
  const auto retry = first.partition.ask(create("create", "acme"));
  first.store.reset();

  auto reopened = open_state_store(path());
  ASSERT_TRUE(reopened.has_value()) << reopened.error().message;
  Harness second(**reopened);
  second.now = first.partition.now;
  second.share_log_of(first.partition);
  second.open();
  EXPECT_EQ(second.partition().stats().organizations, 0u) << "nothing to replay";
  EXPECT_EQ(second.partition().stats().used_ids, 13u);
  EXPECT_EQ(digest(second), live);
  EXPECT_EQ(second.ask(create("create", "acme")).number, retry.number);
  second.now += std::chrono::hours(25);
  const auto before = second.partition().next_number();
  second.settle();
  EXPECT_EQ(second.partition().next_number().value, before.value + 1) << "the checkout expired";
}

TEST_F(RocksStore, IsMadeAnewIfAFileIsMissingOrDamaged) {
  for (const bool remove : {true, false}) {
    uint64_t live = 0;
    Running first(path());
    make_history(first.partition, "acme", 10);
    first.partition.checkpoint();
    live = digest(first.partition);
    first.store.reset();
    size_t damaged = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      if (entry.path().extension() != ".sst") continue;
      damaged++;
      if (remove) {
        std::filesystem::remove(entry.path());
      } else {
        std::filesystem::resize_file(entry.path(), 10);
      }
    }
    ASSERT_GT(damaged, 0u);
    auto reopened = open_state_store(path());
    ASSERT_TRUE(reopened.has_value()) << reopened.error().message;
    EXPECT_FALSE(reopened->get()->mark()->has_value()) << "empty";
    EXPECT_EQ(generations().size(), 1u) << "the damaged one is gone";
    Harness second(**reopened);
    second.share_log_of(first.partition);
    second.open();
    EXPECT_EQ(digest(second), live);
    reopened->reset();
    std::filesystem::remove_all(path());
  }
}

TEST_F(RocksStore, IsMadeAnewAfterItWasCondemned) {
  Running first(path());
  make_history(first.partition, "acme", 10);
  first.partition.checkpoint();
  first.store->condemn();
  first.store.reset();
  const auto reopened = open_state_store(path());
  ASSERT_TRUE(reopened.has_value()) << reopened.error().message;
  EXPECT_FALSE(reopened->get()->mark()->has_value());
  EXPECT_EQ(generations().size(), 1u);
}

TEST_F(RocksStore, IsNotTouchedIfAnotherProcessHasIt) {
  Running first(path());
  const auto second = open_state_store(path());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(generations().size(), 1u);
}

TEST_F(RocksStore, SaysSoIfItsDirectoryCannotBeUsed) {
  std::ofstream(path()).put('x');  // a file stands where the directory should
  const auto opened = open_state_store(path());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind, ErrorKind::kIo);
}

TEST_F(RocksStore, ForgetsIdsByWholeDays) {
  Running first(path());
  make_history(first.partition, "acme", 10);
  first.partition.checkpoint();
  first.partition.now += std::chrono::days(9);
  make_history(first.partition, "acme", 1);
  first.partition.checkpoint();
  EXPECT_EQ(first.partition.partition().stats().used_ids, 1u);
  size_t stored = 0;
  ASSERT_TRUE(first.store->read_ids([&](Day, std::span<const UsedId> ids) { stored += ids.size(); })
                  .has_value());
  EXPECT_EQ(stored, 1u);
}

TEST_F(RocksStore, TakesInOrganizationsAndDueWorkInAnyOrder) {
  auto store = std::move(*open_state_store(path()));
  const auto rows_of = [&](std::string_view org) {
    std::string rows;
    EXPECT_TRUE(store
                    ->read_rows(org,
                                [&](std::string_view key, std::string_view value) -> Result<void> {
                                  rows.append(key).append("=").append(value).append(" ");
                                  return {};
                                })
                    .has_value());
    return rows;
  };
  const auto key = [](std::string_view org, std::string_view rest) {
    return std::string(org).append(1, '\0').append(rest);
  };
  Checkpoint checkpoint;
  for (const std::string_view org : {"b", "a", "a-b"}) {
    checkpoint.rows.begin(org);
    checkpoint.rows.put(key(org, "\x01"), org);
    for (const std::string_view rest : {"k", "p1", "p2"}) {
      checkpoint.rows.put(key(org, rest), rest);
    }
  }
  const Time later = from_micros(9'000'000), sooner = from_micros(5'000'000);
  checkpoint.due_added = {{later, "a"}, {sooner, "b"}};
  ASSERT_TRUE(store->write(checkpoint).has_value());
  EXPECT_EQ(rows_of("a"), "\x01=a k=k p1=p1 p2=p2 ");

  checkpoint.rows.clear();
  checkpoint.rows.begin("a");
  checkpoint.rows.remove(key("a", "k"));
  checkpoint.rows.remove_prefix(key("a", "p"));
  checkpoint.due_removed = {{later, "a"}};
  checkpoint.due_added = {{sooner, "a"}};
  ASSERT_TRUE(store->write(checkpoint).has_value());
  ASSERT_TRUE(store->write(checkpoint).has_value()) << "the same one again";
  store.reset();
  store = std::move(*open_state_store(path()));
  EXPECT_EQ(rows_of("a"), "\x01=a ");
  EXPECT_EQ(rows_of("a-b"), "\x01=a-b k=k p1=p1 p2=p2 ");
  EXPECT_EQ(rows_of("b"), "\x01=b k=k p1=p1 p2=p2 ");
  std::vector<DueEntry> due;
  ASSERT_TRUE(
      store->read_due([&](DueEntry entry) { due.push_back(std::move(entry)); }).has_value());
  EXPECT_EQ(due, (std::vector<DueEntry>{{sooner, "a"}, {sooner, "b"}}));
}

TEST_F(RocksStore, EvictsAndLoads) {
  auto store = std::move(*open_state_store(path()));
  Harness partition(*store, {.memory_for_organizations = 0});
  partition.open();
  for (uint64_t round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < 20; i++) make_history(partition, numbered("org", i), 2);
    partition.checkpoint();
    partition.step();
  }
  EXPECT_GT(partition.partition().stats().loads, 20u);
  std::vector<uint64_t> live;
  for (uint64_t i = 0; i < 20; i++) {
    live.push_back(partition.partition().digest(numbered("org", i)).value());
  }
  ASSERT_TRUE(store->reset().has_value());
  partition.open();
  for (uint64_t i = 0; i < 20; i++) {
    EXPECT_EQ(partition.partition().digest(numbered("org", i)).value(), live[i]);
  }
}

}  // namespace
}  // namespace tenure::test
