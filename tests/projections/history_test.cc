// History names exactly the decisions about an organization and about each thing in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "projections/queries/history_numbers.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

std::vector<uint64_t> numbers_of(const RowView& view, const std::string& org,
                                 const std::string& entity, size_t limit = 5000) {
  std::vector<uint64_t> numbers;
  Page page{.limit = limit, .cursor = {}};
  do {
    auto found = get_history(context_of(view, kStart), org, entity, page);
    EXPECT_TRUE(found);
    EXPECT_LE(found->numbers.size(), limit);
    numbers.insert(numbers.end(), found->numbers.begin(), found->numbers.end());
    page.cursor = found->next;
  } while (!page.cursor.empty());
  return numbers;
}

// What a decision is about, by the text of its events: another way than the projection's.
std::set<std::string> entities_of(const schema::Decision& decision) {
  std::set<std::string> entities{decision.command_nested_root()->actor()->str()};
  if (decision.events() == nullptr) return entities;
  for (const schema::EventBox* box : *decision.events()) {
    std::string json;
    write_json(decision_schema(), schema::EnumNameEvent(box->event_type()), box->event(), json);
    auto field = [&](const std::string& name) {
      std::string mark = "\"" + name + "\":\"";
      size_t begin = json.find(mark);
      if (begin == std::string::npos) return std::string();
      begin += mark.size();
      return json.substr(begin, json.find('"', begin) - begin);
    };
    auto add = [&](const std::string& kind, const std::string& name) {
      if (!field(name).empty()) entities.insert(kind + field(name));
    };
    // Where a service may act is no space of this organization.
    const bool of_services = json.find("\"service\":") != std::string::npos;
    bool transfer = box->event_type() == schema::Event::OwnershipTransferred;
    add("user:", "user");
    add("user:", "owner");
    add("group:", "group");
    if (of_services) add("service:", "service");
    if (box->event_type() != schema::Event::MemberAdded && !of_services) add("space:", "space");
    add("", "subject");
    if (transfer) add("user:", "to");
    if (transfer) add("user:", "from");
    if (box->event_type() == schema::Event::ResourceCopied) {
      add("space:", "from");
      add("space:", "to");
      entities.insert("resource:" + field("from") + "/" + field("resource"));
      entities.insert("resource:" + field("to") + "/" + field("as"));
    } else if (!field("resource").empty()) {
      entities.insert("resource:" + field("space") + "/" + field("resource"));
    }
  }
  return entities;
}

class HistoryTest : public testing::TestWithParam<uint64_t> {
 protected:
  HistoryTest() {
    world.run_random(GetParam(), 500);
    models = open_models(directory.path(), world);
    view = models->view();
  }

  TemporaryDirectory directory;
  World world;
  std::unique_ptr<ReadModels> models;
  std::unique_ptr<const RowView> view;
};

TEST_P(HistoryTest, NamesEveryDecisionAcceptedOrRejectedOfEveryEntity) {
  std::map<std::string, std::map<std::string, std::vector<uint64_t>>> expected;
  uint64_t number = 0, rejected = 0;
  for (const std::vector<uint8_t>& bytes : world.machine().history()) {
    const schema::Decision& decision = decision_of(bytes);
    auto& of_org = expected[decision.command_nested_root()->org()->str()];
    of_org[""].push_back(number);
    for (const std::string& entity : entities_of(decision)) of_org[entity].push_back(number);
    rejected += decision.outcome() == schema::Outcome::rejected;
    ++number;
  }
  EXPECT_GT(rejected, 0u);
  for (const auto& [org, entities] : expected) {
    if (world.machine().find(org) == nullptr) continue;
    for (const auto& [entity, numbers] : entities) {
      EXPECT_EQ(numbers_of(*view, org, entity), numbers) << org << " " << entity;
      EXPECT_EQ(numbers_of(*view, org, entity, 7), numbers) << org << " " << entity;
    }
    EXPECT_TRUE(numbers_of(*view, org, "user:nobody-ever").empty());
  }
}

TEST_P(HistoryTest, FindsEveryCommandByItsId) {
  uint64_t number = 0;
  for (const std::vector<uint8_t>& bytes : world.machine().history()) {
    const schema::CommandEnvelope& command = *decision_of(bytes).command_nested_root();
    const auto found = find_command(context_of(*view, kStart), command.org()->string_view(),
                                    command.id()->string_view());
    ASSERT_TRUE(found);
    EXPECT_EQ(std::ranges::count(found->numbers, number), 1);
    EXPECT_LE(found->numbers.size(), 3u) << "others than its own are rare";
    EXPECT_TRUE(std::ranges::is_sorted(found->numbers, std::greater{}));
    ++number;
  }
}

// Two users with one history_hash().
std::pair<std::string, std::string> users_of_one_hash() {
  std::map<uint32_t, std::string> seen;
  for (uint64_t i = 0;; ++i) {
    std::string user = "u" + std::to_string(i);
    const auto [found, fresh] = seen.try_emplace(history_hash("user:" + user), user);
    if (!fresh) return {found->second, user};
  }
}

TEST(History, TellsEntitiesOfOneHashApart) {
  const auto [one, other] = users_of_one_hash();
  World world;
  const auto accepted = [&](const std::string& type, const std::string& command) {
    ASSERT_EQ(world.send("acme", "user:root", type, command), "accepted");
  };
  accepted("CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  for (const std::string& user : {one, other}) {
    accepted("AddMember", R"({"user":")" + user + R"(","role":"MANAGER"})");
  }
  TemporaryDirectory directory;
  const auto models = open_models(directory.path(), world);
  EXPECT_EQ(numbers_of(*models->view(), "acme", "user:" + one), (std::vector<uint64_t>{1, 2}));

  const auto about = [&](uint64_t number, const std::string& user) {
    return is_about(decision_of(world.machine().history()[number]), "user:" + user);
  };
  EXPECT_TRUE(about(1, one));
  EXPECT_FALSE(about(2, one));
  EXPECT_FALSE(about(1, other));
  EXPECT_TRUE(about(2, other));
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryTest, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace tenure::test
