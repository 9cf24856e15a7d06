// A history under other rules: CASES 62.
#include "consumers/audit/what_if.h"

#include <gmock/gmock.h>

#include "engine/log/log_reader.h"
#include "engine/rulebooks/builtin.h"
#include "tests/projections/world.h"

namespace tenure::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The text of a built-in rulebook, with something in it replaced.
std::string text_of(const std::string& name) {
  for (const char* text : builtin_rulebook_texts()) {
    const std::string pinned = load_rulebook(text).value()->pinned_name;
    if (pinned == name + "@1") return text;
  }
  ADD_FAILURE() << name;
  return {};
}

std::string replaced(std::string text, const std::string& what, const std::string& by,
                     size_t from = 0) {
  const size_t at = text.find(what, from);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

class WhatIfTest : public testing::Test {
 protected:
  std::string send(const std::string& actor, const std::string& type, const std::string& command) {
    world_.now += std::chrono::hours(1);
    return world_.send("acme", actor, type, command);
  }

  // "position: was -> would be" of each difference.
  std::vector<std::string> ask(const std::string& candidate, const std::string& org = {}) {
    const auto rulebook = load_rulebook(candidate);
    EXPECT_TRUE(rulebook) << rulebook.error().message;
    ServicesHistory services(test_rulebooks());
    const auto services_at = [&](Time time) { return services.at(time); };
    WhatIf what_if(test_rulebooks(), test_catalog(), {*rulebook, org}, services_at);
    std::vector<std::string> lines;
    LogReader reader(world_.log().read(kPartition, Offset{0}).value(), {});
    while (const auto found = reader.next().value()) {
      const auto& decision = *flatbuffers::GetRoot<schema::Decision>(found->payload.data());
      const auto taken = what_if.take(
          found->number, decision, [&](const schema::Decision& was, const schema::Decision& would) {
            lines.push_back(std::to_string(found->number.value) + ": " + outcome(was) + " -> " +
                            outcome(would));
          });
      EXPECT_TRUE(taken) << taken.error().message;
      services.take(found->number, decision);
    }
    counts_ = what_if.counts();
    return lines;
  }

  static std::string outcome(const schema::Decision& decision) {
    if (decision.rejection() == nullptr) return "accepted";
    return schema::EnumNameRejectionCode(decision.rejection()->code());
  }

  World world_;
  WhatIfCounts counts_;
};

TEST_F(WhatIfTest, ListsWhatWouldBeRefusedAndWhatWouldBeAccepted) {
  send("user:alice", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  send("user:alice", "AddMember", R"({"user":"bob","role":"MANAGER"})");
  send("user:bob", "AddMember", R"({"user":"eve","role":"EVALUATOR"})");  // 2
  send("user:bob", "CreateSpace", R"({"space":"web","name":"Web"})");     // 3
  send("user:eve", "CreateSpace", R"({"space":"mine","name":"Mine"})");   // 4: forbidden
  send("user:eve", "AddMember", R"({"user":"x","role":"MANAGER"})");      // 5: forbidden
  send("user:alice", "AddMember", R"({"user":"bob","role":"ADMIN"})");    // 6: already there
  std::string text = text_of("space");
  const size_t manager = text.find("\"MANAGER\",\n");
  text = replaced(text, R"("member.view", "member.add", )", R"("member.view", )", manager);
  const size_t evaluator = text.find("\"EVALUATOR\",\n");
  text = replaced(text, R"("actions": [)", R"("actions": ["space.create", )", evaluator);
  EXPECT_THAT(ask(text), ElementsAre("2: accepted -> forbidden", "4: forbidden -> accepted"));
  EXPECT_EQ(counts_.decisions, 7);
  EXPECT_EQ(counts_.asked, 6);
  EXPECT_EQ(counts_.different, 2);
  EXPECT_EQ(counts_.not_reproduced, 0);
}

// The second difference does not follow from the first: bob is a member all the same.
TEST_F(WhatIfTest, TheStateFollowsWhatWasRecorded) {
  send("user:alice", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  send("user:alice", "AddMember", R"({"user":"bob","role":"MANAGER"})");
  send("user:bob", "AddMember", R"({"user":"eve","role":"EVALUATOR"})");
  send("user:bob", "ChangeRole", R"({"user":"eve","role":"MANAGER"})");
  std::string text = text_of("space");
  text = replaced(text, R"("assigns": ["ADMIN", "MANAGER", "EVALUATOR"])",
                  R"("assigns": ["ADMIN", "EVALUATOR"])");  // the owner's
  EXPECT_THAT(ask(text), ElementsAre("1: accepted -> role_not_assignable"));
}

// A role that the candidate lacks is there, and may do nothing.
TEST_F(WhatIfTest, ARoleThatIsGoneMayDoNothing) {
  send("user:alice", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  send("user:alice", "AddMember", R"({"user":"bob","role":"MANAGER"})");
  send("user:bob", "CreateSpace", R"({"space":"web","name":"Web"})");
  std::string text = text_of("space");
  for (size_t at; (at = text.find("MANAGER")) != std::string::npos;) {
    text.replace(at, 7, "STEWARD");
  }
  EXPECT_THAT(ask(text),
              ElementsAre("1: accepted -> role_not_assignable", "2: accepted -> forbidden"));
}

TEST_F(WhatIfTest, IsPutToThoseWithARulebookOfThatName) {
  send("user:alice", "CreateOrganization", R"({"name":"Acme","rulebook":"flotiq"})");
  send("user:alice", "CreateSpace", R"({"space":"web","name":"Web"})");
  EXPECT_THAT(ask(text_of("space")), IsEmpty());
  EXPECT_EQ(counts_.asked, 0);
  EXPECT_FALSE(ask(text_of("space"), "acme").empty());  // unless it is named
}

// The rules that it was decided by give the same decisions: whatever happened.
TEST_F(WhatIfTest, TheSameRulesChangeNothing) {
  for (uint64_t seed = 1; seed <= 6; ++seed) world_.run_random(seed, 400, 5);
  uint64_t asked = 0;
  for (const char* text : builtin_rulebook_texts()) {
    EXPECT_THAT(ask(text), IsEmpty());
    EXPECT_EQ(counts_.not_reproduced, 0);
    asked += counts_.asked;
  }
  EXPECT_GT(asked, 500);
}

// And any other ones are borne by any history.
TEST_F(WhatIfTest, AnyRulebookCanBePutToAnyHistory) {
  for (uint64_t seed = 20; seed <= 23; ++seed) world_.run_random(seed, 400, 4);
  for (const auto& [org, organization] : world_.machine().organizations()) {
    for (const char* text : builtin_rulebook_texts()) {
      ask(text, org);
      EXPECT_EQ(counts_.not_reproduced, 0) << org;
    }
  }
}

}  // namespace
}  // namespace tenure::test
