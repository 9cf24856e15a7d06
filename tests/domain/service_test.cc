// Service actors: who manages them, and what a grant lets a service do where.
#include <gmock/gmock.h>

#include "tests/domain/script.h"

namespace tenure {
namespace {

using testing::ElementsAre;

const std::string kStale = R"("expected_version":77,)";

class Services : public testing::Test {
 protected:
  void SetUp() override {
    make("CreateOrganization", R"({"name":"Acme","rulebook":"flotiq"})");
    make("CreateSpace", R"({"space":"eng","name":"Engineering"})");
    make("CreateSpace", R"({"space":"ops","name":"Operations"})");
  }

  void make(const char* type, const std::string& command) {
    ASSERT_EQ(script.send("user:ada", type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }
  void grant(const std::string& command) {
    ASSERT_EQ(script.manage("service:admin", "GrantServiceActions", command), "accepted")
        << command << script.last().rejection()->message()->str();
  }
  // What the service gets for recording a use in the space.
  std::string record(const std::string& space) {
    return script.send("service:meter", "RecordUsage",
                       R"({"space":")" + space + R"(","entries":[{"source":"s","id":"e)" +
                           std::to_string(++entry_) +
                           R"(","meter":"api_requests","quantity":1}]})");
  }
  const tenure::Services& services() const {
    return *script.machine().find(kServicesOrganization)->services;
  }

  Script script;

 private:
  int entry_ = 0;
};

TEST_F(Services, GuardOrderOfCreateApiKey) {
  const Time past = script.now - Duration(1);
  EXPECT_EQ(script.create_key("user:x", "a b", "c d", past, 0, 77), "malformed");
  EXPECT_EQ(script.create_key("user:x", "a b", "c d", past, 31, 77), "malformed");
  EXPECT_EQ(script.create_key("user:x", "a b", "c d", past, 32, 77), "invalid_id");
  EXPECT_EQ(script.create_key("user:x", "k", "c d", past, 32, 77), "invalid_id");
  EXPECT_EQ(script.create_key("user:x", "k", "meter", past, 32, 77), "invalid_value");
  EXPECT_EQ(script.create_key("user:x", "k", "meter", {}, 32, 77), "version_conflict");
  EXPECT_EQ(script.create_key("user:x", "k", "meter"), "not_a_member");
  EXPECT_EQ(script.create_key("service:admin", "k", "meter"), "accepted");
  EXPECT_EQ(script.create_key("user:x", "k", "meter"), "not_a_member");
  EXPECT_EQ(script.create_key("service:admin", "k", "meter"), "already_exists");
}

TEST_F(Services, GuardOrderOfRevokeApiKey) {
  const auto send = [&](const char* actor, const char* key, const std::string& envelope = {}) {
    return script.manage(actor, "RevokeApiKey", R"({"key":")" + std::string(key) + R"("})",
                         envelope);
  };
  EXPECT_EQ(send("user:x", "a b", kStale), "invalid_id");
  EXPECT_EQ(send("user:x", "k", kStale), "version_conflict");
  EXPECT_EQ(send("user:x", "k"), "not_a_member");
  EXPECT_EQ(send("service:admin", "k"), "not_found");
  ASSERT_EQ(script.create_key("service:admin", "k", "meter"), "accepted");
  EXPECT_EQ(send("service:admin", "k"), "accepted");
  EXPECT_EQ(send("service:admin", "k"), "nothing_to_do");
  EXPECT_EQ(script.create_key("service:admin", "k", "meter"), "already_exists");
}

TEST_F(Services, GuardOrderOfGrantsAndOfTheirEnd) {
  for (const char* type : {"GrantServiceActions", "RevokeServiceActions"}) {
    const auto send = [&](const char* actor, const char* command,
                          const std::string& envelope = {}) {
      return script.manage(actor, type, command, envelope);
    };
    EXPECT_EQ(send("user:x", R"({"service":"a b","actions":["x"],"space":"eng"})", kStale),
              "invalid_id");
    EXPECT_EQ(send("user:x", R"({"service":"admin","actions":["x"],"org":"_x"})", kStale),
              "invalid_id");
    EXPECT_EQ(send("user:x", R"({"service":"admin","actions":["x"]})", kStale), "invalid_value");
    EXPECT_EQ(send("user:x", R"({"service":"m","actions":["x"],"space":"eng"})", kStale),
              "invalid_value");
    EXPECT_EQ(
        send("user:x", R"({"service":"m","actions":[],"org":"o","space":"s","act_for_users":true})",
             kStale),
        "invalid_value");
    EXPECT_EQ(send("user:x", R"({"service":"m","actions":[]})", kStale), "invalid_value");
    EXPECT_EQ(send("user:x", R"({"service":"m","actions":["x"]})", kStale), "version_conflict");
    EXPECT_EQ(send("user:x", R"({"service":"m","actions":["x"]})"), "not_a_member");
    EXPECT_EQ(send("service:admin", R"({"service":"m","actions":["x"]})"), "unknown_action");
    EXPECT_EQ(send("service:admin", R"({"service":"m","actions":["resource.create"]})"),
              "unknown_action");
  }
  const char* both = R"({"service":"m","actions":["usage.record","usage.view"],"org":"acme"})";
  EXPECT_EQ(script.manage("service:admin", "RevokeServiceActions", both), "not_found");
  EXPECT_EQ(script.manage("service:admin", "GrantServiceActions", both), "accepted");
  EXPECT_EQ(script.manage("service:admin", "GrantServiceActions", both), "nothing_to_do");
  EXPECT_EQ(script.manage("service:admin", "RevokeServiceActions",
                          R"({"service":"m","actions":["audit.read"],"org":"acme"})"),
            "nothing_to_do");
  EXPECT_EQ(script.manage("service:admin", "RevokeServiceActions", both), "accepted");
  EXPECT_EQ(script.manage("service:admin", "RevokeServiceActions", both), "not_found");
}

TEST_F(Services, OneThatIsGrantedSomethingEverywhereStillManagesNothing) {
  grant(R"({"service":"m","actions":["audit.read"]})");
  EXPECT_EQ(script.create_key("service:m", "k", "m"), "forbidden");
}

TEST_F(Services, AreManagedInTheReservedOrganizationAndNothingElseIs) {
  const char* grant_all = R"({"service":"m","actions":["usage.record"]})";
  EXPECT_EQ(script.send("service:admin", "GrantServiceActions", grant_all), "invalid_id");
  EXPECT_EQ(script.manage("user:ada", "CreateOrganization", R"({"name":"T","rulebook":"space"})"),
            "invalid_id");
  EXPECT_EQ(script.manage("service:admin", "RenameOrganization", R"({"name":"T"})"), "invalid_id");
  EXPECT_EQ(script.manage("service:admin", "GrantServiceActions", grant_all), "accepted");
  EXPECT_EQ(script.manage("service:admin", "RenameOrganization", R"({"name":"T"})"), "invalid_id");
}

TEST_F(Services, TheFirstDecisionFoundsTheOrganizationAndNoOtherDoes) {
  grant(R"({"service":"m","actions":["usage.record"]})");
  EXPECT_THAT(script.events(), ElementsAre("OrganizationCreated", "ServiceActionsGranted"));
  EXPECT_EQ(script.last().version(), 1u);
  ASSERT_EQ(script.create_key("service:admin", "k", "m"), "accepted");
  EXPECT_THAT(script.events(), ElementsAre("ApiKeyCreated"));
  EXPECT_EQ(script.last().version(), 2u);
}

TEST_F(Services, ACommandNeedsTheActionGranted) {
  EXPECT_EQ(record("eng"), "not_a_member");
  grant(R"({"service":"meter","actions":["usage.view"],"org":"acme"})");
  EXPECT_EQ(record("eng"), "forbidden");
  grant(R"({"service":"meter","actions":["usage.record"],"org":"acme"})");
  EXPECT_EQ(record("eng"), "accepted");
  EXPECT_EQ(record("gone"), "not_found");
  ASSERT_EQ(script.manage("service:admin", "RevokeServiceActions",
                          R"({"service":"meter","actions":["usage.record"],"org":"acme"})"),
            "accepted");
  EXPECT_EQ(record("eng"), "forbidden");
}

TEST_F(Services, AGrantInOneSpaceHoldsOnlyThere) {
  grant(R"({"service":"meter","actions":["usage.record"],"org":"acme","space":"eng"})");
  EXPECT_EQ(record("eng"), "accepted");
  EXPECT_EQ(record("ops"), "forbidden");
  EXPECT_EQ(record("gone"), "forbidden");
  EXPECT_EQ(script.send("service:meter", "RenameOrganization", R"({"name":"X"})"), "forbidden");
}

TEST_F(Services, AGrantInAnotherOrganizationIsNoneHere) {
  grant(R"({"service":"meter","actions":["usage.record"],"org":"acme-2"})");
  EXPECT_EQ(record("eng"), "not_a_member");
}

TEST_F(Services, AGrantEverywhereHoldsHere) {
  grant(R"({"service":"meter","actions":["usage.record","resource.create:media"]})");
  EXPECT_EQ(record("eng"), "accepted");
  const auto create = [&](const char* type) {
    return script.send(
        "service:meter", "CreateResource",
        R"({"space":"eng","resource":"r-)" + std::string(type) + R"(","type":")" + type + R"("})");
  };
  EXPECT_EQ(create("media"), "accepted");
  EXPECT_EQ(create("plugin"), "forbidden");
}

TEST_F(Services, AServiceHasNoRoleSoItGivesNone) {
  grant(R"({"service":"meter","actions":["member.add","member.remove","access.manage"]})");
  make("AddMember", R"({"user":"bob","role":"ORG_USER"})");
  EXPECT_EQ(script.send("service:meter", "AddMember", R"({"user":"cy","role":"ORG_USER"})"),
            "role_not_assignable");
  EXPECT_EQ(script.send("service:meter", "RemoveMember", R"({"user":"bob"})"),
            "target_outranks_actor");
  EXPECT_EQ(script.send("service:meter", "GrantAccess",
                        R"({"space":"eng","subject":"user:bob","roles":[]})"),
            "escalation");
}

TEST_F(Services, ServiceAdminNeedsNoGrant) {
  EXPECT_EQ(script.send("service:admin", "RecordUsage",
                        R"({"space":"eng","entries":[{"source":"s","id":"a",)"
                        R"("meter":"api_requests","quantity":1}]})"),
            "accepted");
  EXPECT_EQ(script.send("service:admin", "RenameSpace", R"({"space":"eng","name":"E"})"),
            "forbidden");
}

TEST_F(Services, ActForUsersIsGrantedAndEndsByPlace) {
  grant(R"({"service":"portal","actions":[],"org":"acme","act_for_users":true})");
  const auto acts = [&](const char* org) {
    const Service* portal = find_service(&services(), "portal");
    return portal != nullptr && portal->acts_for_users(org);
  };
  EXPECT_TRUE(acts("acme"));
  EXPECT_FALSE(acts("other"));
  EXPECT_FALSE(acts(""));
  grant(R"({"service":"portal","actions":["usage.view"],"act_for_users":true})");
  EXPECT_TRUE(acts("other"));
  EXPECT_TRUE(acts(""));
  for (const char* place : {R"("org":"acme",)", ""}) {
    ASSERT_EQ(script.manage("service:admin", "RevokeServiceActions",
                            R"({"service":"portal",)" + std::string(place) +
                                R"("actions":[],"act_for_users":true})"),
              "accepted");
  }
  EXPECT_FALSE(acts("acme"));
  const Service* portal = find_service(&services(), "portal");
  ASSERT_NE(portal, nullptr);
  EXPECT_THAT(portal->find({}, {})->actions, ElementsAre("usage.view"));
}

}  // namespace
}  // namespace tenure
