// What AdoptRulebook, DefineSpaceRole and DeleteSpaceRole do that a case in JSON cannot say well:
// whole rulebooks, and what becomes of those who hold roles of the old one.
#include "engine/domain/access.h"
#include "tests/domain/script.h"

namespace tenure {
namespace {

// A rulebook of two roles and two space roles; `changes`: text -> other text.
std::string rulebook(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  std::string text = R"({
    "name": "own", "version": 1, "owner_role": "BOSS", "single_owner": false,
    "joins": ["direct"], "members_may_leave": true, "access_without_role_is_all": false,
    "space_guests": false, "custom_space_roles": true, "default_plan": "free",
    "resource_types": [{"name": "job"}, {"name": "report"}],
    "organization_roles": [
      {"name": "BOSS",
       "actions": ["organization.view", "organization.rulebook", "organization.transfer",
                   "member.add", "member.change_role", "member.remove", "space.view",
                   "space.create", "access.manage", "space_role.define"],
       "assigns": ["BOSS", "LEAD", "HAND"], "acts_on": ["BOSS", "LEAD", "HAND"],
       "inherits_all": true},
      {"name": "LEAD",
       "actions": ["organization.view", "space.view", "space_role.define", "access.manage"],
       "inherits_space_role": "Writer"},
      {"name": "HAND", "actions": ["organization.view"]}
    ],
    "space_roles": [
      {"name": "Writer", "actions": ["resource.read:*", "resource.create:job"]},
      {"name": "Reader", "actions": ["resource.read:*"]}
    ]
  })";
  for (const auto& [from, to] : changes) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string adopt(const std::string& text, const std::string& map = "{}") {
  std::string command = R"({"rulebook":)";
  append_json_string(text, command);
  return command + R"(,"map":)" + map + "}";
}

class Adoption : public testing::Test {
 protected:
  Adoption() {
    send("CreateOrganization", R"({"name":"Acme","rulebook":"anaphora"})");
    send("AddMember", R"({"user":"ben","role":"USER"})");
    send("CreateSpace", R"({"space":"web","name":"Web"})");
    send("GrantAccess", R"({"space":"web","subject":"user:ben","roles":["ReadWrite"]})");
  }
  void send(const std::string& type, const std::string& command,
            const std::string& actor = "user:ada") {
    ASSERT_EQ(script.send(actor, type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }
  std::string refusal(const std::string& type, const std::string& command,
                      const std::string& actor = "user:ada") {
    return script.send(actor, type, command);
  }
  std::string message() const { return script.last().rejection()->message()->str(); }
  bool allowed(std::string_view user, std::string_view action, std::string_view space = {}) const {
    return is_allowed(script.organization(), user, action, space);
  }

  static constexpr const char* kMap =
      R"({"SYSTEM_ADMIN":"BOSS","USER":"HAND","ReadWrite":"Writer","Readonly":"Reader"})";
  Script script;
};

TEST_F(Adoption, MovesEveryHolderToWhatTheirRoleIsMappedTo) {
  send("AdoptRulebook", adopt(rulebook(), kMap));
  EXPECT_EQ(script.events(), (std::vector<std::string>{"RulebookAdopted", "RoleChanged",
                                                       "RoleChanged", "AccessChanged"}));
  EXPECT_EQ(script.organization().rulebook->pinned_name, "own@1");
  EXPECT_EQ(script.organization().owners, 1u);
  EXPECT_TRUE(allowed("ben", "resource.create:job", "web"));
  EXPECT_FALSE(allowed("ben", "resource.create:report", "web"));
  EXPECT_TRUE(allowed("ada", "resource.delete:report", "web"));
  send("AddMember", R"({"user":"cas","role":"LEAD"})");
  EXPECT_EQ(script.last().rulebook()->str(), "own@1") << "the next decision names it";
}

TEST_F(Adoption, LeavesNoHolderWithoutARole) {
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook(), R"({"SYSTEM_ADMIN":"BOSS"})")),
            "role_in_use");
  EXPECT_NE(message().find("ben"), std::string::npos) << message();
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook(), R"({"SYSTEM_ADMIN":"BOSS","USER":"HAND"})")),
            "role_in_use")
      << "a space role";
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook())), "last_owner");
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook(), R"({"SYSTEM_ADMIN":"HAND"})")),
            "last_owner");
}

TEST_F(Adoption, IsForOwnersAndForWhatMakesSense) {
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook(), kMap), "user:ben"), "forbidden");
  EXPECT_EQ(refusal("AdoptRulebook", adopt("{\"name\":\"own\"}")), "invalid_rulebook");
  EXPECT_EQ(refusal("AdoptRulebook", adopt("{nonsense")), "invalid_rulebook");
  EXPECT_EQ(refusal("AdoptRulebook", adopt("nowhere@1")), "invalid_rulebook");
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook({{"\"free\"", "\"gold\""}}), kMap)),
            "invalid_rulebook");
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook({{"\"free\"", "\"basic\""}}), kMap)),
            "invalid_rulebook")
      << "a paid default plan";
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook({{"\"own\"", "\"space\""}}), kMap)),
            "invalid_rulebook")
      << "a built-in name";
  EXPECT_EQ(refusal("AdoptRulebook", adopt("anaphora")), "nothing_to_do");
  send("CreateResource", R"({"space":"web","type":"schedule","resource":"s"})");
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook(), kMap)), "invalid_rulebook");
  EXPECT_NE(message().find("schedule"), std::string::npos) << message();
}

TEST_F(Adoption, OfAnotherTextUnderTheSameNameNeedsAnotherVersion) {
  send("AdoptRulebook", adopt(rulebook(), kMap));
  EXPECT_EQ(refusal("AdoptRulebook", adopt(rulebook())), "nothing_to_do");
  const auto changed = [](const char* version) {
    return rulebook({{"\"version\": 1", version}, {"resource.create:job", "resource.update:job"}});
  };
  EXPECT_EQ(refusal("AdoptRulebook", adopt(changed("\"version\": 1"))), "invalid_rulebook");
  send("AdoptRulebook", adopt(changed("\"version\": 2")));
  EXPECT_TRUE(allowed("ben", "resource.update:job", "web"));
  EXPECT_FALSE(allowed("ben", "resource.create:job", "web"));
}

TEST_F(Adoption, ANameAndVersionAreOneTextForEver) {
  send("AdoptRulebook", adopt(rulebook(), kMap));
  send("AdoptRulebook", adopt("anaphora", R"({"BOSS":"SYSTEM_ADMIN","LEAD":"USER","HAND":"USER",
                                              "Writer":"ReadWrite","Reader":"Readonly"})"));
  const auto another = rulebook({{"resource.create:job", "resource.update:job"}});
  EXPECT_EQ(refusal("AdoptRulebook", adopt(another, kMap)), "invalid_rulebook");
  EXPECT_NE(message().find("raise its version"), std::string::npos) << message();
  send("AdoptRulebook", adopt(rulebook(), kMap));
}

TEST_F(Adoption, CountsSuspendedOwnersWhereOnlyOneMayBe) {
  send("AddMember", R"({"user":"eve","role":"SYSTEM_ADMIN"})");
  send("SuspendMember", R"({"user":"eve"})");
  const std::string map = R"({"SYSTEM_ADMIN":"OWNER","USER":"EVALUATOR"})";
  send("RevokeAccess", R"({"space":"web","subject":"user:ben"})");
  EXPECT_EQ(refusal("AdoptRulebook", adopt("space", map)), "last_owner");
  send("ChangeRole", R"({"user":"eve","role":"USER"})");
  send("AdoptRulebook", adopt("space", map));
}

// Everybody joins by invitation, too; the lowest role can be taken away.
std::string inviting(const std::string& version, bool with_hand = true) {
  std::vector<std::pair<std::string, std::string>> changes = {
      {"[\"direct\"]", "[\"direct\", \"invitation\"]"},
      {"\"space_guests\": false", "\"space_guests\": true"},
      {"\"version\": 1", "\"version\": " + version}};
  if (!with_hand) {
    changes.emplace_back(
        R"("assigns": ["BOSS", "LEAD", "HAND"], "acts_on": ["BOSS", "LEAD", "HAND"])",
        R"("assigns": ["BOSS", "LEAD"], "acts_on": ["BOSS", "LEAD"])");
    changes.emplace_back(R"(,
      {"name": "HAND", "actions": ["organization.view"]})",
                         "");
  }
  return rulebook(changes);
}

TEST_F(Adoption, AnInvitationThatExpiredOffersNothingThatCouldBeMissed) {
  send("AdoptRulebook",
       adopt(inviting("1"), R"({"SYSTEM_ADMIN":"BOSS","USER":"LEAD","ReadWrite":"Writer"})"));
  send("DefineSpaceRole", R"({"role":"Cleaner","actions":["resource.read:job"]})");
  send("InviteMember", R"({"invitation":"hand","user":"cas","role":"HAND","expires_in_s":60})");
  send("InviteMember", R"({"invitation":"cleaner","user":"dan","space":"web",
                           "space_roles":["Cleaner"],"expires_in_s":60})");
  EXPECT_EQ(refusal("DeleteSpaceRole", R"({"role":"Cleaner"})"), "role_in_use");
  script.now += std::chrono::hours(1);
  send("DeleteSpaceRole", R"({"role":"Cleaner"})");
  send("AdoptRulebook", adopt(inviting("2", false)));
  for (const char* id : {"hand", "cleaner"}) {
    EXPECT_EQ(refusal("RevokeInvitation", std::string(R"({"invitation":")") + id + "\"}"),
              "invitation_expired");
  }
  send("AdoptRulebook", adopt(inviting("3")));
}

TEST_F(Adoption, WhereNobodyIsInvitedOrAGuestNoneGoesOn) {
  send("AdoptRulebook", adopt(inviting("1"), kMap));
  send("InviteMember", R"({"invitation":"hand","user":"cas","role":"HAND"})");
  send("InviteMember",
       R"({"invitation":"guest","user":"dan","space":"web","space_roles":["Reader"]})");
  send("AcceptInvitation", R"({"invitation":"guest"})", "user:dan");
  const std::string strict = rulebook({{"\"version\": 1", "\"version\": 2"}});
  EXPECT_EQ(refusal("AdoptRulebook", adopt(strict)), "role_in_use");
  EXPECT_NE(message().find("dan"), std::string::npos) << message();
  send("RevokeAccess", R"({"space":"web","subject":"user:dan"})");
  send("AdoptRulebook", adopt(strict));
  EXPECT_EQ(refusal("AcceptInvitation", R"({"invitation":"hand"})", "user:cas"),
            "inviter_lacks_authority");
}

TEST_F(Adoption, AGroupGivesOnlyWhatItsKeeperAssigns) {
  send("AdoptRulebook",
       adopt(rulebook({{"\"member.remove\", ", "\"member.remove\", \"group.manage\", "},
                       {"\"space_role.define\", \"access.manage\"]",
                        "\"space_role.define\", \"access.manage\", \"group.manage\"]"}}),
             kMap));
  send("ChangeRole", R"({"user":"ben","role":"LEAD"})");
  send("AddMember", R"({"user":"cas","role":"HAND"})");
  send("CreateGroup", R"({"group":"writers","name":"Writers"})");
  send("GrantAccess", R"({"space":"web","subject":"group:writers","roles":["Writer"]})");
  const std::string add = R"({"group":"writers","user":"cas"})";
  EXPECT_EQ(refusal("AddToGroup", add, "user:ben"), "role_not_assignable") << "though ben holds it";
  send("AddToGroup", add);
}

TEST_F(Adoption, KeepsTheOrganizationsOwnSpaceRoles) {
  send("AdoptRulebook", adopt(rulebook(), kMap));
  send("DefineSpaceRole", R"({"role":"Cleaner","actions":["resource.delete:*"]})");
  send("GrantAccess", R"({"space":"web","subject":"user:ada","roles":["Cleaner"]})");
  send("AdoptRulebook",
       adopt(rulebook({{"\"version\": 1", "\"version\": 2"}, {", {\"name\": \"report\"}", ""}})));
  EXPECT_EQ(script.events(), (std::vector<std::string>{"RulebookAdopted", "SpaceRoleDefined"}))
      << "there are no reports any more";
  EXPECT_TRUE(script.organization().rulebook->space_role("Cleaner").has_value());
  const std::string without =
      rulebook({{"\"version\": 1", "\"version\": 3"},
                {"\"custom_space_roles\": true", "\"custom_space_roles\": false"},
                {", \"space_role.define\"]", "]"},
                {"\"space_role.define\", ", ""}});
  EXPECT_EQ(refusal("AdoptRulebook", adopt(without)), "role_in_use") << message();
  EXPECT_NE(message().find("Cleaner"), std::string::npos) << message();
}

TEST_F(Adoption, WhoDefinesASpaceRoleHoldsAllOfIt) {  // case 17
  send("AdoptRulebook", adopt(rulebook(), kMap));
  send("ChangeRole", R"({"user":"ben","role":"LEAD"})");
  EXPECT_EQ(refusal("DefineSpaceRole", R"({"role":"Cleaner","actions":["resource.delete:job"]})",
                    "user:ben"),
            "escalation");
  send("DefineSpaceRole", R"({"role":"Maker","actions":["resource.create:job"]})", "user:ben");
  EXPECT_EQ(refusal("DefineSpaceRole", R"({"role":"Maker","actions":["resource.*:job"]})"),
            "unknown_action");
  EXPECT_EQ(refusal("DefineSpaceRole", R"({"role":"Maker","actions":["access.manage"]})"),
            "unknown_action");
  EXPECT_EQ(refusal("DefineSpaceRole", R"({"role":"Writer","actions":["resource.read:job"]})"),
            "already_exists")
      << "a name of the rulebook";
}

}  // namespace
}  // namespace tenure
