// The read models are the log's history and nothing else: whenever and however they were built.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

uint64_t decisions_compared = 0;

class CountAtEnd : public testing::Environment {
  void TearDown() override { std::cout << decisions_compared << " decisions compared\n"; }
};
const auto* const kCount = testing::AddGlobalTestEnvironment(new CountAtEnd);

// Through memory always, or as files from one row on (then fewer steps: each waits for the disk).
ReadModelsOptions small_batches(size_t decisions, bool files) {
  ReadModelsOptions options;
  options.projector.batch_decisions = files ? 20 * decisions : decisions;
  options.store.rows_for_files = files ? 1 : 1'000'000;
  return options;
}

// The same by any number of threads, in batches of any size, whatever is kept from batch to batch.
ReadModelsOptions any_way(std::mt19937_64& random, size_t decisions, bool files) {
  ReadModelsOptions options = small_batches(decisions, files);
  options.projector.threads = 1 + random() % 3;
  if (random() % 2 == 0) options.projector.batch_bytes = 8u << 10;
  if (random() % 2 == 0) options.projector.cache_bytes = 32u << 10;
  return options;
}

class ProjectorTest : public testing::TestWithParam<uint64_t> {
 protected:
  TemporaryDirectory directory_;
  std::string models_ = directory_.path() + "/models";
  World world_;
};

TEST_P(ProjectorTest, RebuiltRowsEqualLiveOnesByteForByte) {
  std::mt19937_64 random(GetParam());
  auto live = open_models(models_, world_, any_way(random, 1 + random() % 9, random() % 2 == 0));
  for (int round = 0; round < 10; ++round) {
    world_.run_random(GetParam() * 100 + static_cast<uint64_t>(round), 60);
    catch_up(*live);
  }
  EXPECT_EQ(live->applied(kPartition).value, world_.decisions());
  EXPECT_EQ(difference_to_rebuilt(world_, *live->view()), "") << "seed " << GetParam();
  decisions_compared += world_.decisions();
}

TEST_P(ProjectorTest, KilledBetweenAnyTwoStepsItGoesOnWithoutATrace) {
  std::mt19937_64 random(GetParam());
  world_.run_random(GetParam(), 400);
  bool more = true;
  int kills = 0;
  while (more) {
    // A store that is dropped without a flush has what the last flush had: as after kill -9.
    bool files = random() % 4 == 0;
    ReadModelsOptions options = any_way(random, 1 + random() % (files ? 2 : 12), files);
    auto store = Store::open(models_, options.store);
    ASSERT_TRUE(store) << store.error().message;
    auto projector = Projector::open(world_.log(), kPartition, **store, options.projector);
    ASSERT_TRUE(projector) << projector.error().message;
    for (uint64_t steps = random() % 8; more && steps > 0; --steps) {
      auto stepped = (*projector)->step();
      ASSERT_TRUE(stepped) << stepped.error().message;
      more = *stepped;
    }
    bool flushes = random() % 2 == 0;
    if (flushes) {
      ASSERT_TRUE((*store)->flush());
    }
    if (more) {
      ++kills;
    } else {
      EXPECT_EQ(difference_to_rebuilt(world_, *(*store)->view()), "") << "seed " << GetParam();
    }
  }
  EXPECT_GT(kills, 3);
  decisions_compared += world_.decisions();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ProjectorTest, testing::Range<uint64_t>(1, 7));

// The logs of several worlds as the partitions of one.
class WorldsLog final : public DecisionLog {
 public:
  explicit WorldsLog(std::vector<World>& worlds) : worlds_(worlds) {}
  Result<Session> open_writer(PartitionId, const Writer&) override {
    return fail(ErrorKind::kUnsupported, "the worlds write");
  }
  void append(PartitionId, Batch, Done done) override {
    done(fail(ErrorKind::kUnsupported, "the worlds write"));
  }
  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override {
    return worlds_[partition.value].log().read(kPartition, from);
  }
  Result<Offset> find(PartitionId partition, Number number) override {
    return worlds_[partition.value].log().find(kPartition, number);
  }
  Offset durable_end(PartitionId partition) const override {
    return worlds_[partition.value].log().durable_end(kPartition);
  }

 private:
  std::vector<World>& worlds_;
};

using Rows = std::map<std::pair<Family, std::string>, std::string>;

void add_rows(const RowView& view, Rows& out) {
  for (const Family family : kAllFamilies) {
    for (auto cursor = view.scan(family, ""); cursor->valid(); cursor->next()) {
      const RowBytes bytes = cursor->bytes();
      out[{family, std::string(cursor->key())}].assign(bytes.begin(), bytes.end());
    }
  }
}

void grow(World& world, const std::string& org, int members) {
  world.send(org, "user:olga", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  world.send(org, "user:olga", "CreateSpace", R"({"space":"main","name":"Main"})");
  for (int i = 0; i < members; ++i) {
    world.send(org, "user:olga", "AddMember",
               R"({"role":"MANAGER","user":"u)" + std::to_string(i) + R"("})");
  }
}

class SeveralPartitions : public testing::TestWithParam<bool> {};

TEST_P(SeveralPartitions, InOneStoreHaveTheRowsThatEachHasAlone) {
  constexpr size_t kWorlds = 5;
  TemporaryDirectory directory;
  std::vector<World> worlds(kWorlds);
  WorldsLog log(worlds);
  Partitions partitions;
  for (uint32_t i = 0; i < kWorlds; ++i) partitions.push_back({i});
  auto together = ReadModels::open(directory.path() + "/together", log, partitions,
                                   small_batches(3 * kWorlds, GetParam()));
  ASSERT_TRUE(together) << together.error().message;
  // Partitions of differing length, some idle in a round; organizations that interleave by name.
  for (int round = 0; round < 4; ++round) {
    for (size_t i = 0; i < kWorlds; ++i) {
      if ((i + static_cast<size_t>(round)) % 3 == 0) continue;
      grow(worlds[i], "o" + std::to_string(round) + std::to_string(i), 2 + static_cast<int>(i) * 5);
    }
    catch_up(**together);
  }
  Rows expected, found;
  for (size_t i = 0; i < kWorlds; ++i) {
    const auto alone = open_models(directory.path() + "/" + std::to_string(i), worlds[i]);
    add_rows(*alone->view(), expected);
    EXPECT_EQ((*together)->applied(partitions[i]).value, worlds[i].decisions());
    const auto position = (*together)->store().position(partitions[i]);
    ASSERT_TRUE(position && *position);
    EXPECT_EQ((*position)->reader.next_number.value, worlds[i].decisions());
  }
  add_rows(*(*together)->view(), found);
  EXPECT_GT(expected.size(), 300u);
  EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(ThroughMemoryAndAsFiles, SeveralPartitions, testing::Bool());

TEST(Projector, ReopenedItGoesOnWhereItFlushed) {
  TemporaryDirectory directory;
  World world;
  world.run_random(1, 100);
  open_models(directory.path(), world).reset();
  world.run_random(2, 100);
  auto models = ReadModels::open(directory.path(), world.log(), {kPartition});
  ASSERT_TRUE(models);
  EXPECT_EQ((*models)->restarted(), "");
  EXPECT_GE((*models)->applied(kPartition).value, 100u);
  catch_up(**models);
  EXPECT_EQ(difference_to_rebuilt(world, *(*models)->view()), "");
}

TEST(Projector, SaysHowFarItIs) {
  TemporaryDirectory directory;
  World world;
  world.run_random(1, 50);
  auto models = ReadModels::open(directory.path(), world.log(), {kPartition});
  ASSERT_TRUE(models);
  EXPECT_EQ((*models)->status(kPartition)->applied.value, 0u);
  EXPECT_EQ((*models)->status(kPartition)->behind, world.decisions());
  catch_up(**models);
  EXPECT_EQ((*models)->status(kPartition)->applied.value, world.decisions());
  EXPECT_EQ((*models)->status(kPartition)->behind, 0u);
  EXPECT_EQ((*models)->status(kPartition)->void_records, 0u);
}

TEST(Projector, WithNothingNewAStepChangesNothing) {
  TemporaryDirectory directory;
  World world;
  world.run_random(1, 50);
  auto models = open_models(directory.path(), world);
  auto before = models->view();
  auto stepped = models->step();
  ASSERT_TRUE(stepped);
  EXPECT_FALSE(*stepped);
  EXPECT_EQ(difference(*before, *models->view()), "");
}

// A view is one moment: what is written later does not show in it.
TEST(Projector, AHeldViewDoesNotChange) {
  TemporaryDirectory directory;
  for (bool files : {false, true}) {
    World world;
    world.run_random(1, 200);
    auto models =
        open_models(directory.path() + (files ? "/f" : "/m"), world, small_batches(1000, files));
    auto held = models->view();
    world.run_random(2, 200);
    catch_up(*models);
    EXPECT_NE(difference(*held, *models->view()), "");
    World half;
    half.run_random(1, 200);
    EXPECT_EQ(difference_to_rebuilt(half, *held), "");
  }
}

}  // namespace
}  // namespace tenure::test
