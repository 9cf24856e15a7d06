// What the rows say somebody may do is what the domain says, over any history.
#include <gtest/gtest.h>

#include "engine/domain/access.h"
#include "engine/domain/meters.h"
#include "projections/queries/space_walk.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

uint64_t questions_asked = 0, allowed = 0;

class CountAtEnd : public testing::Environment {
  void TearDown() override {
    std::cout << questions_asked << " permission questions, " << allowed << " allowed\n";
  }
};
const auto* const kCount = testing::AddGlobalTestEnvironment(new CountAtEnd);

std::vector<std::string> every_action_name(const Rulebook& rulebook) {
  std::vector<std::string> names;
  for (size_t action = 0; action < kActionCount; ++action) {
    names.emplace_back(action_name(static_cast<Action>(action)));
  }
  for (const ResourceType& type : rulebook.resource_types) {
    for (size_t verb = 0; verb < kResourceVerbs; ++verb) {
      names.push_back(std::string(verb_name(static_cast<ResourceVerb>(verb))) + ":" + type.name);
    }
  }
  return names;
}

void compare(const RowView& view, const World& world, const Organization& organization,
             const std::string& user, const std::string& space) {
  for (const std::string& action : every_action_name(*organization.rulebook)) {
    auto answer =
        check(context_of(view, world.now),
              {.org = organization.id, .space = space, .user = user, .action = action, .type = {}});
    ASSERT_TRUE(answer) << answer.error().message;
    bool expected = is_allowed(organization, user, action, space);
    EXPECT_EQ(answer->allowed, expected)
        << organization.id.str() << " " << user << " " << action << " in " << space;
    ASSERT_FALSE(answer->because.empty());
    for (const CheckReason& reason : answer->because) {
      EXPECT_LT(reason.number, world.decisions());
      EXPECT_NE(reason.rule, "");
    }
    ++questions_asked;
    allowed += answer->allowed;
  }
}

class PermissionTest : public testing::TestWithParam<uint64_t> {};

TEST_P(PermissionTest, CheckAgreesWithTheDomainForEveryUserSpaceAndAction) {
  TemporaryDirectory directory;
  World world;
  auto models = open_models(directory.path(), world);
  for (uint64_t round = 0; round < 16; ++round) {
    world.run_random(GetParam() * 100 + round, 800);
    catch_up(*models);
    auto view = models->view();
    for (const auto& [id, organization] : world.machine().organizations()) {
      std::vector<std::string> spaces = {"", "no-such-space"};
      for (const auto& [space, state] : organization.spaces) spaces.push_back(space.str());
      for (int user = 0; user < 12; ++user) {
        std::string name = "u" + std::to_string(user);
        for (const std::string& space : spaces) compare(*view, world, organization, name, space);
      }
      for (const auto& [user, member] : organization.members) {
        for (const std::string& space : spaces) {
          compare(*view, world, organization, user.str(), space);
        }
      }
    }
  }
  EXPECT_GE(world.decisions(), 12'500u) << "100,000 with all eight seeds";
}

TEST_P(PermissionTest, TheSelectorListsWhatTheDomainWouldAccept) {
  TemporaryDirectory directory;
  World world;
  world.run_random(GetParam(), 300);
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  for (const auto& [id, organization] : world.machine().organizations()) {
    for (const auto& [actor, role] : organization.members) {
      std::vector<std::string> targets = {"", "a-stranger"};
      for (const auto& [target, held] : organization.members) targets.push_back(target.str());
      for (const std::string& target : targets) {
        std::string expected;
        for (const std::string& name : assignable_roles(organization, actor, target)) {
          expected += (expected.empty() ? "\"" : ",\"") + name + "\"";
        }
        auto answer = get_assignable_roles(context_of(*view, world.now), id, actor.str(), target);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(*answer, "{\"roles\":[" + expected + "]}") << id << " " << actor.str();
      }
    }
  }
}

TEST_P(PermissionTest, MetersShowWhatTheDomainCounts) {
  TemporaryDirectory directory;
  World world;
  world.run_random(GetParam(), 400);
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  uint64_t meters = 0;
  for (const auto& [id, organization] : world.machine().organizations()) {
    for (const auto& [space, state] : organization.spaces) {
      auto answer = get_usage(context_of(*view, world.now), id, space.str());
      ASSERT_TRUE(answer) << answer.error().message;
      for (const schema::MeterTerms* terms : *state.subscription.terms.get().meters()) {
        std::string name = terms->meter()->str();
        auto counter = state.counters.find(std::pair(month_of(world.now), name));
        uint64_t used = name == kResourcesMeter           ? state.resource_count
                        : name == kMembersMeter           ? members_of(organization, state)
                        : counter == state.counters.end() ? 0
                                                          : counter->second.used;
        std::string expected = "{\"meter\":\"" + name + "\",\"kind\":\"" +
                               schema::EnumNameMeterKind(terms->kind()) +
                               "\",\"used\":" + std::to_string(used);
        EXPECT_NE(answer->find(expected), std::string::npos)
            << "not " << expected << " in " << *answer << ", seed " << GetParam();
        meters += used > 0;
      }
    }
  }
  EXPECT_GT(meters, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PermissionTest, testing::Range<uint64_t>(1, 9));

CheckAnswer ask(const RowView& view, const CheckRequest& request) {
  auto answer = check(context_of(view, kStart), request);
  EXPECT_TRUE(answer);
  return *answer;
}

TEST(Check, NamesEveryGrantThatGivesTheActionAndTheDecisionsBehindIt) {
  TemporaryDirectory directory;
  World world;
  world.send("lab", "user:root", "CreateOrganization", R"({"name":"Lab","rulebook":"anaphora"})");
  world.send("lab", "user:root", "AddMember", R"({"user":"bob","role":"USER"})");
  world.send("lab", "user:root", "CreateGroup", R"({"group":"ops","name":"Ops"})");
  world.send("lab", "user:root", "CreateSpace", R"({"space":"web","name":"Web"})");
  world.send("lab", "user:root", "AddToGroup", R"({"group":"ops","user":"bob"})");  // 4
  world.send("lab", "user:root", "GrantAccess",                                     // 5
             R"({"space":"web","subject":"user:bob","roles":["Readonly"]})");
  world.send("lab", "user:root", "GrantAccess",  // 6
             R"({"space":"web","subject":"group:ops","roles":["Admin"]})");
  auto models = open_models(directory.path(), world);
  auto view = models->view();

  CheckAnswer reads = ask(*view, {"lab", "web", "bob", "resource.read", "job"});
  EXPECT_TRUE(reads.allowed);
  ASSERT_EQ(reads.because.size(), 3u);
  EXPECT_EQ(reads.because[0].rule, "anaphora@1 Readonly held directly has resource.read:job");
  EXPECT_EQ(reads.because[0].number, 5u);
  EXPECT_EQ(reads.because[1].rule, "anaphora@1 Admin of group:ops has resource.read:job");
  EXPECT_EQ(reads.because[1].number, 6u);
  EXPECT_EQ(reads.because[2].rule, "member of group:ops");
  EXPECT_EQ(reads.because[2].number, 4u);

  CheckAnswer deletes = ask(*view, {"lab", "web", "user:bob", "resource.delete:job", ""});
  EXPECT_TRUE(deletes.allowed);
  EXPECT_EQ(deletes.because.size(), 2u);  // the direct grant does not give it

  CheckAnswer inherits = ask(*view, {"lab", "web", "root", "resource.read:job", ""});
  EXPECT_EQ(inherits.because.at(0).rule,
            "anaphora@1 SYSTEM_ADMIN inherits Admin, which has resource.read:job");
}

// A member's and a group's own row says what they hold as long as that is little.
class HeldGrantsTest : public testing::Test {
 protected:
  HeldGrantsTest() {
    world.send("lab", "user:root", "CreateOrganization", R"({"name":"Lab","rulebook":"anaphora"})");
    world.send("lab", "user:root", "AddMember", R"({"user":"bob","role":"USER"})");
    world.send("lab", "user:root", "CreateGroup", R"({"group":"ops","name":"Ops"})");
    for (int i = 0; i < kSpaces; ++i) {
      world.send("lab", "user:root", "CreateSpace",
                 R"({"space":")" + space(i) + R"(","name":"S"})");
    }
  }
  static std::string space(int i) { return "s" + std::to_string(i); }

  void on_access(const std::string& type, const std::string& subject, int i,
                 const std::string& roles) {
    EXPECT_EQ(
        world.send("lab", "user:root", type,
                   R"({"space":")" + space(i) + R"(","subject":")" + subject + "\"" + roles + "}"),
        "accepted");
  }
  void grant(const std::string& subject, int i) {
    on_access("GrantAccess", subject, i, R"(,"roles":["Readonly"])");
  }

  // In which spaces `user` may do that.
  std::string where(const std::string& user, const std::string& action) {
    auto models = open_models(directory.path(), world);
    auto view = models->view();
    EXPECT_EQ(difference_to_rebuilt(world, *view), "");
    std::string spaces;
    for (int i = 0; i < kSpaces; ++i) {
      if (ask(*view, {"lab", space(i), user, action, "job"}).allowed) spaces += space(i) + " ";
    }
    return spaces;
  }

  static constexpr int kSpaces = 40;
  TemporaryDirectory directory;
  World world;
};

TEST_F(HeldGrantsTest, GivenChangedAndTakenAway) {
  for (int i : {3, 1, 2}) grant("user:bob", i);
  EXPECT_EQ(where("bob", "resource.read"), "s1 s2 s3 ");
  EXPECT_EQ(where("bob", "resource.create"), "");
  on_access("ChangeAccess", "user:bob", 2, R"(,"roles":["ReadWrite"])");
  EXPECT_EQ(where("bob", "resource.create"), "s2 ");
  on_access("RevokeAccess", "user:bob", 3, "");
  EXPECT_EQ(where("bob", "resource.read"), "s1 s2 ");
  world.send("lab", "user:root", "ChangeRole", R"({"user":"bob","role":"SYSTEM_ADMIN"})");
  world.send("lab", "user:root", "ChangeRole", R"({"user":"bob","role":"USER"})");
  EXPECT_EQ(where("bob", "resource.read"), "s1 s2 ");
  world.send("lab", "user:root", "RemoveMember", R"({"user":"bob"})");
  world.send("lab", "user:root", "AddMember", R"({"user":"bob","role":"USER"})");
  EXPECT_EQ(where("bob", "resource.read"), "");
}

TEST_F(HeldGrantsTest, MoreThanARowHolds) {
  for (int i = 0; i < kSpaces; ++i) grant("user:bob", i);
  for (int i = 1; i < kSpaces; ++i) on_access("RevokeAccess", "user:bob", i, "");
  EXPECT_EQ(where("bob", "resource.read"), "s0 ");
  grant("user:bob", 7);
  EXPECT_EQ(where("bob", "resource.read"), "s0 s7 ");
}

TEST_F(HeldGrantsTest, OfGroups) {
  world.send("lab", "user:root", "AddToGroup", R"({"group":"ops","user":"bob"})");
  grant("group:ops", 5);
  EXPECT_EQ(where("bob", "resource.read"), "s5 ");
  on_access("RevokeAccess", "group:ops", 5, "");
  EXPECT_EQ(where("bob", "resource.read"), "");
  for (int i = 0; i < kSpaces; ++i) grant("group:ops", i);
  for (int i = 1; i < kSpaces; ++i) on_access("RevokeAccess", "group:ops", i, "");
  EXPECT_EQ(where("bob", "resource.read"), "s0 ");
  world.send("lab", "user:root", "DeleteGroup", R"({"group":"ops"})");
  world.send("lab", "user:root", "CreateGroup", R"({"group":"ops","name":"Ops"})");
  world.send("lab", "user:root", "AddToGroup", R"({"group":"ops","user":"bob"})");
  EXPECT_EQ(where("bob", "resource.read"), "");
}

TEST(Check, WhoWasAGuestKeepsWhatTheyHeldAsAMember) {
  TemporaryDirectory directory;
  World world;
  world.send("cloud", "user:ann", "CreateOrganization", R"({"name":"C","rulebook":"upcloud"})");
  for (const std::string space : {"v", "w"}) {
    world.send("cloud", "user:ann", "CreateSpace", R"({"space":")" + space + R"(","name":"S"})");
  }
  world.send("cloud", "user:ann", "InviteMember",
             R"({"invitation":"i","user":"gus","space":"w","space_roles":["VIEWER"]})");
  world.send("cloud", "user:gus", "AcceptInvitation", R"({"invitation":"i"})");
  world.send("cloud", "user:ann", "InviteMember",
             R"({"invitation":"k","user":"gus","role":"MEMBER"})");
  EXPECT_EQ(world.send("cloud", "user:gus", "AcceptInvitation", R"({"invitation":"k"})"),
            "accepted");
  EXPECT_EQ(world.send("cloud", "user:ann", "GrantAccess",
                       R"({"space":"v","subject":"user:gus","roles":["EDITOR"]})"),
            "accepted");
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  EXPECT_TRUE(ask(*view, {"cloud", "w", "gus", "resource.read:server", ""}).allowed);
  EXPECT_TRUE(ask(*view, {"cloud", "v", "gus", "resource.update:server", ""}).allowed);
  EXPECT_FALSE(ask(*view, {"cloud", "w", "gus", "resource.update:server", ""}).allowed);
}

TEST(Check, ADenialSaysWhatIsMissing) {
  TemporaryDirectory directory;
  World world;
  world.send("shop", "user:ann", "CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
  world.send("shop", "user:ann", "AddMember", R"({"user":"eve","role":"EVALUATOR"})");
  world.send("shop", "user:ann", "CreateSpace", R"({"space":"web","name":"Web"})");
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  auto rule = [&](const CheckRequest& request) {
    CheckAnswer answer = ask(*view, request);
    EXPECT_FALSE(answer.allowed);
    return answer.because.at(0).rule;
  };
  EXPECT_EQ(rule({"shop", "web", "eve", "resource.create:service", ""}),
            "space@1 EVALUATOR has no resource.create:service");
  EXPECT_EQ(rule({"shop", "", "eve", "member.add", ""}), "space@1 EVALUATOR has no member.add");
  EXPECT_EQ(rule({"shop", "", "mallory", "member.add", ""}),
            "mallory is not an active member of shop");
  EXPECT_EQ(rule({"nowhere", "", "eve", "member.add", ""}),
            "eve is not an active member of nowhere");
  EXPECT_EQ(rule({"shop", "", "eve", "fly", ""}), "space@1 has no action fly");
  EXPECT_EQ(rule({"shop", "attic", "eve", "resource.read:service", ""}),
            "no space attic that eve sees in shop");
}

TEST(Check, SomebodyWhoMaySeeNobodyLearnsNothingOfOthers) {
  TemporaryDirectory directory;
  World world;
  world.send("lab", "user:root", "CreateOrganization", R"({"name":"Lab","rulebook":"anaphora"})");
  world.send("lab", "user:root", "AddMember", R"({"user":"bob","role":"USER"})");
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  CheckRequest about_root{"lab", "", "root", "member.add", ""};
  auto by_bob = check(context_of(*view, kStart, "bob"), about_root);
  ASSERT_FALSE(by_bob);
  EXPECT_EQ(by_bob.error().kind, ErrorKind::kNotFound);
  auto by_root = check(context_of(*view, kStart, "root"), {"lab", "", "bob", "member.add", ""});
  ASSERT_TRUE(by_root);
  EXPECT_FALSE(by_root->allowed);
  auto of_oneself = check(context_of(*view, kStart, "bob"), {"lab", "", "bob", "member.add", ""});
  EXPECT_TRUE(of_oneself);
}

}  // namespace
}  // namespace tenure::test
