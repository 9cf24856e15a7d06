// The past does not change: what an organization's rows said once, as_of says for ever.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "projections/key_layout.h"
#include "projections/queries/as_of.h"
#include "projections/snapshot.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

// What was true at some point of a run: the rows of one organization and every answer about it.
struct Remembered {
  std::string org;
  uint64_t version;
  Time time;
  MemoryRows rows;
  std::string answers;
};

Remembered remember(const RowView& view, const Organization& organization, Time now) {
  Remembered moment{.org = organization.id.str(),
                    .version = organization.version,
                    .time = now,
                    .rows = {},
                    .answers = all_answers(context_of(view, now), organization)};
  EXPECT_TRUE(moment.rows.copy_from(view, kStateFamilies, Keys(moment.org).organization()));
  return moment;
}

MemoryRows in_range(const MemoryRows& rows, const std::string& org) {
  MemoryRows kept;
  EXPECT_TRUE(kept.copy_from(rows, kStateFamilies, Keys(org).organization()));
  return kept;
}

void expect_as_remembered(World& world, const RowView& view, const Remembered& moment,
                          Moment asked) {
  auto past = as_of(view, world.log(), kPartition, moment.org, asked);
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_EQ(past->version, moment.version);
  EXPECT_EQ(difference(moment.rows, in_range(*past->rows, moment.org)), "")
      << moment.org << " version " << moment.version;
}

class AsOfTest : public testing::TestWithParam<uint64_t> {};

TEST_P(AsOfTest, AnswersNeverChangeAsLaterEventsArrive) {
  TemporaryDirectory directory;
  World world;
  auto models = open_models(directory.path(), world);
  std::vector<Remembered> moments;
  for (int round = 0; round < 25; ++round) {
    world.run_random(GetParam() * 100 + static_cast<uint64_t>(round), 20, 2);
    catch_up(*models);
    for (const auto& [id, organization] : world.machine().organizations()) {
      moments.push_back(remember(*models->view(), organization, world.now));
    }
  }
  auto view = models->view();
  for (const Remembered& moment : moments) {
    expect_as_remembered(world, *view, moment, moment.version);
    expect_as_remembered(world, *view, moment, moment.time);
    auto past = as_of(*view, world.log(), kPartition, moment.org, moment.time);
    ASSERT_TRUE(past);
    EXPECT_EQ(past->time, moment.time);
  }
  EXPECT_GT(moments.size(), 30u);
}

TEST_P(AsOfTest, QueriesOnThePastAnswerAsTheyDidThen) {
  TemporaryDirectory directory;
  World world;
  world.run_random(GetParam(), 150, 1);
  auto models = open_models(directory.path(), world);
  const Organization then = world.machine().organizations().begin()->second;
  Remembered moment = remember(*models->view(), then, world.now);
  world.run_random(GetParam() + 50, 150, 1);
  catch_up(*models);
  auto past = as_of(*models->view(), world.log(), kPartition, moment.org, moment.version);
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_EQ(all_answers(context_of(*past->rows, moment.time), then), moment.answers);
  EXPECT_NE(all_answers(context_of(*models->view(), moment.time), then), moment.answers);
}

INSTANTIATE_TEST_SUITE_P(Seeds, AsOfTest, testing::Range<uint64_t>(1, 5));

// Long enough for several snapshots: from zero, and from a snapshot and its tail, are the same.
TEST(AsOf, AnswersTheSameAcrossSnapshots) {
  TemporaryDirectory directory;
  World world;
  auto send = [&](const std::string& type, const std::string& command) {
    world.now += std::chrono::minutes(1);
    ASSERT_EQ(world.send("shop", "user:ann", type, command), "accepted");
  };
  send("CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
  send("CreateSpace", R"({"space":"web","name":"Web"})");
  ReadModelsOptions options;
  options.projector.batch_decisions = 300;  // snapshots fall inside batches
  auto models = open_models(directory.path(), world, options);
  std::map<uint64_t, Remembered> moments;
  for (uint64_t version = 3; version <= 3500; ++version) {
    std::string id = std::to_string(version);
    if (version % 3 == 0) {
      send("AddMember", R"({"user":"u)" + id + R"(","role":"MANAGER"})");
    } else if (version % 3 == 1) {
      send("RemoveMember", R"({"user":"u)" + std::to_string(version - 1) + R"("})");
    } else {
      send("CreateResource", R"({"space":"web","type":"service","resource":"r)" + id + R"("})");
    }
    if (version % 500 <= 1 || version % 500 == 499) {
      catch_up(*models);
      moments.emplace(version, remember(*models->view(), *world.machine().find("shop"), world.now));
    }
  }
  catch_up(*models);
  auto view = models->view();
  MemoryRows loaded;
  auto snapshot = load_snapshot(*view, "shop", 2500, std::nullopt, loaded);
  ASSERT_TRUE(snapshot && *snapshot);
  EXPECT_EQ((*snapshot)->version, 2000u);
  EXPECT_FALSE(load_snapshot(*view, "shop", 999, std::nullopt, loaded).value());
  for (const auto& [version, moment] : moments) {
    expect_as_remembered(world, *view, moment, version);
    expect_as_remembered(world, *view, moment, moment.time);
  }
  EXPECT_EQ(difference_to_rebuilt(world, *view), "");
}

TEST(AsOf, BeforeTheBeginningAndBeyondTheEndNothingIsFound) {
  TemporaryDirectory directory;
  World world;
  world.send("shop", "user:ann", "CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
  auto models = open_models(directory.path(), world);
  auto kind = [&](const std::string& org, Moment moment) {
    auto past = as_of(*models->view(), world.log(), kPartition, org, moment);
    return past ? std::nullopt : std::optional(past.error().kind);
  };
  EXPECT_EQ(kind("shop", uint64_t{1}), std::nullopt);
  EXPECT_EQ(kind("shop", uint64_t{0}), ErrorKind::kNotFound);
  EXPECT_EQ(kind("shop", uint64_t{2}), ErrorKind::kNotFound);
  EXPECT_EQ(kind("shop", kStart - std::chrono::seconds(1)), ErrorKind::kNotFound);
  EXPECT_EQ(kind("shop", kStart + std::chrono::hours(1)), std::nullopt);
  EXPECT_EQ(kind("nowhere", uint64_t{1}), ErrorKind::kNotFound);
}

// Who may look at the past is decided by what they may see today.
TEST(AsOf, ARemovedMemberSeesThePastNoMore) {
  TemporaryDirectory directory;
  World world;
  world.send("shop", "user:ann", "CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
  world.send("shop", "user:ann", "AddMember", R"({"user":"bob","role":"ADMIN"})");
  world.send("shop", "user:ann", "RemoveMember", R"({"user":"bob"})");
  auto models = open_models(directory.path(), world);
  auto live = models->view();
  auto past = as_of(*live, world.log(), kPartition, "shop", uint64_t{2});
  ASSERT_TRUE(past);
  QueryContext bob = context_of(*past->rows, past->time, "bob");
  bob.live_rows = live.get();
  EXPECT_FALSE(get_members(bob, "shop", {}));
  QueryContext ann = context_of(*past->rows, past->time, "ann");
  ann.live_rows = live.get();
  auto members = get_members(ann, "shop", {});
  ASSERT_TRUE(members);
  EXPECT_NE(members->find("\"bob\""), std::string::npos);
}

}  // namespace
}  // namespace tenure::test
