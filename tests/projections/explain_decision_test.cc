// What explain says of a decision: by what authority it was asked for, or against which rule.
#include <iostream>

#include "engine/domain/text.h"
#include "tests/projections/explain_fixture.h"

namespace tenure::test {
namespace {

TEST_F(ExplainTest, AcceptedDecisionsRestOnTheAuthorityJustBefore) {
  make_lab();
  send("lab", "user:bob", "CreateResource", R"({"space":"web","type":"job","resource":"j"})");
  const uint64_t created = last();
  send("lab", "user:root", "RevokeAccess", R"({"space":"web","subject":"group:ops"})");
  send(
      "lab", "service:admin", "RecordUsage",
      R"({"space":"web","entries":[{"source":"s","id":"1","meter":"api_requests","quantity":1}]})");
  EXPECT_EQ(decision(0), R"(accepted
- anybody may create an organization
)");
  EXPECT_EQ(decision(5), R"(accepted, needs access.manage in web
- anaphora@1 SYSTEM_ADMIN has access.manage [0:0 CreateOrganization user:root]
)");
  EXPECT_EQ(decision(created), R"(accepted, needs resource.create:job in web
- anaphora@1 ReadWrite of group:ops has resource.create:job [0:6 GrantAccess user:root]
- member of group:ops [0:4 AddToGroup user:root]
- bob is a member as USER [0:1 AddMember user:root]
)");
  EXPECT_EQ(decision(last()), R"(accepted, needs usage.record in web
- service:admin acts by the actions given to it, not by a role
)");
}

TEST_F(ExplainTest, RefusedDecisionsSayWhichRuleAndWhatWouldHaveAllowedIt) {
  make_shop();
  const auto refused = [&](const char* actor, const char* type, const char* command,
                           const char* code) {
    send("shop", std::string("user:") + actor, type, command, code);
    open();
    return decision(last());
  };
  EXPECT_EQ(refused("bob", "AddMember", R"({"user":"dan","role":"ADMIN"})", "role_not_assignable"),
            R"(role_not_assignable, needs member.add
- space@1 MANAGER assigns MANAGER, EVALUATOR
- space@1 MANAGER has member.add [0:1 AddMember user:ann]
> the same command by another: OWNER, ADMIN
)");
  EXPECT_EQ(
      refused("bob", "ChangeRole", R"({"user":"ann","role":"MANAGER"})", "target_outranks_actor"),
      R"(target_outranks_actor, needs member.change_role
- space@1 MANAGER acts on MANAGER, EVALUATOR
- space@1 MANAGER has member.change_role [0:1 AddMember user:ann]
> the same command by another: OWNER
)");
  EXPECT_EQ(refused("bob", "RemoveMember", R"({"user":"eve"})", "forbidden"),
            R"(forbidden, needs member.remove
- space@1 MANAGER lacks member.remove
- bob is a member as MANAGER [0:1 AddMember user:ann]
> TransferOwnership to bob, who becomes OWNER: OWNER
> the same command by another: OWNER
)");
  EXPECT_EQ(refused("bob", "DeleteGroup", R"({"group":"g"})", "forbidden"),
            R"(forbidden, needs group.manage
- space@1 MANAGER is non-destructive
- space@1 MANAGER has group.manage [0:1 AddMember user:ann]
> the same command by another: OWNER, ADMIN
)");
  EXPECT_EQ(refused("mallory", "AddMember", R"({"user":"dan","role":"ADMIN"})", "not_a_member"),
            R"(not_a_member, needs member.add
- general law 1: only those who belong may act
> AddMember mallory as ADMIN: OWNER, ADMIN
> AddMember mallory as MANAGER: OWNER, ADMIN, MANAGER
)");
  EXPECT_EQ(refused("ann", "LeaveOrganization", "{}", "last_owner"), R"(last_owner
- space@1 general law 3: never without a member who is OWNER
- one leaves by oneself
> another member who is OWNER, by TransferOwnership or in addition: OWNER
)");
  EXPECT_EQ(refused("ann", "AddMember", R"({"user":"bob","role":"ADMIN"})", "already_member"),
            R"(already_member, needs member.add
- space@1 one membership a user
- space@1 OWNER has member.add [0:0 CreateOrganization user:ann]
> use ChangeRole to change that
)");
  send("shop", "user:ann", "ArchiveSpace", R"({"space":"web"})");
  EXPECT_EQ(refused("ann", "CreateResource", R"({"space":"web","type":"service","resource":"r"})",
                    "space_archived"),
            R"(space_archived, needs resource.create:service in web
- space@1 an archived space does not change
- space@1 OWNER has resource.create:service [0:0 CreateOrganization user:ann]
! space web is archived: changes to its resources, access, usage and plan are refused until it is restored [0:11 ArchiveSpace user:ann]
> RestoreSpace web first: OWNER, ADMIN
)");
  send("shop", "user:ann", "SuspendMember", R"({"user":"bob"})");
  EXPECT_EQ(refused("bob", "AddMember", R"({"user":"dan","role":"MANAGER"})", "suspended"),
            R"(suspended, needs member.add
- space@1 suspended members are denied everywhere
- bob is a member as MANAGER [0:1 AddMember user:ann]
> ReinstateMember bob: OWNER
)");
}

TEST_F(ExplainTest, ADecisionIsExplainedToAuditorsAndToWhoeverSentIt) {
  make_shop();
  send("shop", "user:mallory", "AddMember", R"({"user":"dan","role":"ADMIN"})", "not_a_member");
  EXPECT_EQ(decision(last(), "eve").substr(0, 12), "not_a_member");  // EVALUATORs may audit
  EXPECT_EQ(decision(last(), "mallory"), R"(not_a_member, needs member.add
- general law 1: only those who belong may act
> check the id, or ask to be added
)");
  EXPECT_EQ(decision(1, "mallory"),
            "error: no decision 0:1, or none that whoever asks may see; check the position");
  EXPECT_EQ(decision(99, "mallory"),
            "error: no decision 0:99, or none that whoever asks may see; check the position");
}

uint64_t decisions_explained = 0;

class CountAtEnd : public testing::Environment {
  void TearDown() override { std::cout << decisions_explained << " decisions explained\n"; }
};
const auto* const kCount = testing::AddGlobalTestEnvironment(new CountAtEnd);

class ExplainAnyHistory : public testing::TestWithParam<uint64_t> {};

// What explain says a command needs is what decide asked for: whoever was accepted held it all, and
// whoever lacked an action was told of that one.
TEST_P(ExplainAnyHistory, SaysWhatDecideAskedFor) {
  TemporaryDirectory directory;
  World world;
  world.run_random(GetParam(), 250);
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  const ExplainSources sources{
      .log = world.log(), .partition = kPartition, .catalog = test_catalog()};
  for (uint64_t number = 0; number < world.decisions(); ++number) {
    const schema::Decision& decision = decision_of(world.machine().history()[number]);
    const auto answer = explain_decision(context_of(*view, world.now), sources, number);
    const std::string said = told(answer);
    ASSERT_TRUE(answer) << said;
    ++decisions_explained;
    if (decision.outcome() == schema::Outcome::accepted) {
      EXPECT_EQ(said.find("\n> "), std::string::npos) << *answer << said;
      continue;
    }
    EXPECT_NE(said.find("\n> "), std::string::npos) << *answer << said;
    const std::string rule = decision.rejection()->rule()->str();
    const size_t lacks = rule.find(" lacks ");
    const bool a_users = text(decision.command_nested_root()->actor()).starts_with("user:");
    if (lacks == std::string::npos || !a_users) continue;
    EXPECT_NE(said.find(", needs " + rule.substr(lacks + 7)), std::string::npos) << rule << said;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExplainAnyHistory, testing::Range<uint64_t>(1, 7));

}  // namespace
}  // namespace tenure::test
