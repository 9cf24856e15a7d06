// The answers as clients read them: shapes, who sees what, and lists that hold while rows change.
#include <gtest/gtest.h>

#include <set>

#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

constexpr char kTime[] = "2026-09-21T14:13:20.000000Z";

// An organization of each rulebook, some people in them, and the read models of it all.
class QueriesTest : public testing::Test {
 protected:
  QueriesTest() {
    send("shop", "ann", "CreateOrganization", R"({"name":"Shop \"1\"","rulebook":"space"})");
    send("shop", "ann", "AddMember", R"({"user":"bob","role":"MANAGER"})");
    send("shop", "ann", "CreateSpace", R"({"space":"web","name":"Web","plan":"free"})");
    send("shop", "ann", "CreateResource",
         R"({"space":"web","type":"service","resource":"api","name":"API"})");
    send("shop", "ann", "CreateResource",
         R"({"space":"web","type":"contract","resource":"c1","links":["api"]})");

    send("lab", "root", "CreateOrganization", R"({"name":"Lab","rulebook":"anaphora"})");
    for (const char* user : {"bob", "eve", "zoe"}) {
      send("lab", "root", "AddMember", R"({"user":")" + std::string(user) + R"(","role":"USER"})");
    }
    send("lab", "root", "CreateGroup", R"({"group":"ops","name":"Ops"})");
    send("lab", "root", "AddToGroup", R"({"group":"ops","user":"eve"})");
    send("lab", "root", "AddToGroup", R"({"group":"ops","user":"bob"})");
    send("lab", "root", "CreateSpace", R"({"space":"web","name":"Lab web"})");
    send("lab", "root", "CreateSpace", R"({"space":"attic","name":"Attic"})");
    send("lab", "root", "GrantAccess",
         R"({"space":"web","subject":"user:bob","roles":["Readonly"]})");
    send("lab", "root", "GrantAccess",
         R"({"space":"web","subject":"group:ops","roles":["ReadWrite"]})");
    models_ = open_models(directory_.path(), world_);
    view_ = models_->view();
  }

  void send(const std::string& org, const std::string& user, const std::string& type,
            const std::string& command) {
    ASSERT_EQ(world_.send(org, "user:" + user, type, command), "accepted") << type << command;
  }
  void refresh() {
    catch_up(*models_);
    view_ = models_->view();
  }
  QueryContext as(const std::string& viewer) { return context_of(*view_, world_.now, viewer); }
  QueryContext service() { return as(""); }

  TemporaryDirectory directory_;
  World world_;
  std::unique_ptr<ReadModels> models_;
  std::unique_ptr<RowView> view_;
};

std::string text(const Result<std::string>& answer) {
  return answer ? *answer : "error: " + answer.error().message;
}

std::string at(std::string json) {
  for (size_t place; (place = json.find("TIME")) != std::string::npos;) {
    json.replace(place, 4, kTime);
  }
  return json;
}

void expect_not_found(const Result<std::string>& answer) {
  ASSERT_FALSE(answer) << *answer;
  EXPECT_EQ(answer.error().kind, ErrorKind::kNotFound);
}

TEST_F(QueriesTest, Organization) {
  EXPECT_EQ(text(get_organization(service(), "shop")),
            at(R"({"org":"shop","name":"Shop \"1\"","version":5,"rulebook":"space@1",)"
               R"("status":"active","billing_mode":"per_space","currency":"EUR",)"
               R"("created":"TIME"})"));
}

TEST_F(QueriesTest, MembersInTheOrderOfTheirIds) {
  EXPECT_EQ(text(get_members(service(), "shop", {})),
            at(R"({"members":[{"user":"ann","role":"OWNER","since":"TIME","status":"active"},)"
               R"({"user":"bob","role":"MANAGER","since":"TIME","status":"active"}],)"
               R"("next":null})"));
}

TEST_F(QueriesTest, OneMemberWithGroupsAndSpaces) {
  EXPECT_EQ(text(get_member(service(), "lab", "bob")),
            at(R"({"user":"bob","role":"USER","since":"TIME","status":"active",)"
               R"("groups":["ops"],"spaces":[{"space":"web","roles":["ReadWrite"],)"
               R"("via":["direct","group:ops"]}]})"));
  expect_not_found(get_member(service(), "lab", "nobody"));
}

TEST_F(QueriesTest, Groups) {
  EXPECT_EQ(text(get_groups(service(), "lab", {})),
            R"({"groups":[{"group":"ops","name":"Ops","users":["bob","eve"]}],"next":null})");
}

TEST_F(QueriesTest, SpacesWithPlanAndUse) {
  EXPECT_EQ(text(get_spaces(service(), "shop", {})),
            at(R"({"spaces":[{"space":"web","name":"Web","plan":"free","status":"active",)"
               R"("created":"TIME","usage":[{"meter":"resources","used":2,"limit":100},)"
               R"({"meter":"members","used":0,"limit":3},)"
               R"({"meter":"api_requests","used":0,"limit":1000}]}],"next":null})"));
  EXPECT_EQ(text(get_space(service(), "lab", "attic")),
            at(R"({"space":"attic","name":"Attic","plan":"unmetered","status":"active",)"
               R"("created":"TIME","usage":[{"meter":"resources","used":0,"limit":null},)"
               R"({"meter":"members","used":0,"limit":null},)"
               R"({"meter":"api_requests","used":0,"limit":null}]})"));
}

TEST_F(QueriesTest, MembersOfASpaceWithWhatGivesThemAccess) {
  EXPECT_EQ(text(get_space_members(service(), "lab", "web", {})),
            R"({"members":[{"user":"bob","roles":["ReadWrite"],"via":["direct","group:ops"]},)"
            R"({"user":"eve","roles":["ReadWrite"],"via":["group:ops"]},)"
            R"({"user":"root","roles":["Admin"],"via":["role:SYSTEM_ADMIN"]}],"next":null})");
  EXPECT_EQ(text(get_space_members(service(), "shop", "web", {})),
            R"({"members":[{"user":"ann","roles":["OWNER"],"via":["role:OWNER"]},)"
            R"({"user":"bob","roles":["MANAGER"],"via":["role:MANAGER"]}],"next":null})");
}

// A level held directly is what is left when the higher one of a group goes.
TEST_F(QueriesTest, ThePermissionFallsBackWhenAGroupIsLeft) {
  send("lab", "root", "RemoveFromGroup", R"({"group":"ops","user":"bob"})");
  send("lab", "root", "RemoveFromGroup", R"({"group":"ops","user":"eve"})");
  refresh();
  EXPECT_EQ(text(get_space_members(service(), "lab", "web", {})),
            R"({"members":[{"user":"bob","roles":["Readonly"],"via":["direct"]},)"
            R"({"user":"root","roles":["Admin"],"via":["role:SYSTEM_ADMIN"]}],"next":null})");
}

std::string lines(const Result<ExportPage>& page) {
  return page ? page->lines : "error: " + page.error().message;
}

TEST_F(QueriesTest, AnExportHasWhatTheViewerMayReadWithoutLinksToWhatIsGone) {
  send("lab", "root", "CreateResource",
       R"({"space":"web","type":"job","resource":"j","name":"J","digest":"sha256:1"})");
  send("lab", "root", "CreateResource", R"({"space":"web","type":"job","resource":"gone"})");
  send("lab", "root", "CreateResource",
       R"({"space":"web","type":"report","resource":"r","links":["gone","j"]})");
  send("lab", "root", "DeleteResource", R"({"space":"web","resource":"gone"})");
  refresh();
  const std::string job =
      R"({"type":"job","resource":"j","name":"J","links":[],"digest":"sha256:1"})"
      "\n";
  const std::string report = R"({"type":"report","resource":"r","links":["j"]})"
                             "\n";
  EXPECT_EQ(lines(export_space(as("bob"), "lab", "web", {})), job + report);
  EXPECT_EQ(lines(export_space(service(), "lab", "attic", {})), "");
  const auto first = export_space(service(), "lab", "web", {.limit = 1, .cursor = {}});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->lines, job);
  EXPECT_EQ(first->next, "j");
  const auto second = export_space(service(), "lab", "web", {.limit = 1, .cursor = first->next});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->lines, report);
  EXPECT_EQ(second->next, "");
  EXPECT_EQ(export_space(as("zoe"), "lab", "web", {}).error().kind, ErrorKind::kNotFound);
}

TEST_F(QueriesTest, ACopyHasTheNameAndTheDigestOfItsSource) {
  send("lab", "root", "CreateResource",
       R"({"space":"web","type":"delivery_interface","resource":"d"})");
  send(
      "lab", "root", "CreateResource",
      R"({"space":"web","type":"job","resource":"j","name":"J","links":["d"],"digest":"sha256:1"})");
  send(
      "lab", "root", "CopyResources",
      R"({"from":"web","to":"attic","resources":[{"resource":"j","as":"k"},{"resource":"d","as":"e"}]})");
  send("lab", "root", "UpdateResource",
       R"({"space":"web","type":"job","resource":"j","name":"L"})");
  refresh();
  EXPECT_EQ(lines(export_space(service(), "lab", "attic", {})),
            R"({"type":"delivery_interface","resource":"e","links":[]})"
            "\n"
            R"({"type":"job","resource":"k","name":"J","links":["e"],"digest":"sha256:1"})"
            "\n");
  EXPECT_EQ(difference_to_rebuilt(world_, *view_), "");
}

TEST_F(QueriesTest, ResourcesWithoutTheDeletedOnes) {
  EXPECT_EQ(text(get_resources(service(), "shop", "web", {})),
            R"({"resources":[{"resource":"api","type":"service","name":"API","links":[],)"
            R"("version":1},{"resource":"c1","type":"contract","name":null,"links":["api"],)"
            R"("version":1}],"next":null})");
  send("shop", "ann", "DeleteResource", R"({"space":"web","resource":"c1"})");
  refresh();
  EXPECT_EQ(text(get_resources(service(), "shop", "web", {})),
            R"({"resources":[{"resource":"api","type":"service","name":"API","links":[],)"
            R"("version":1}],"next":null})");
  send("shop", "ann", "CreateResource", R"({"space":"web","type":"other","resource":"c1"})");
  refresh();
  EXPECT_NE(text(get_resources(service(), "shop", "web", {}))
                .find(R"({"resource":"c1","type":"other","name":null,"links":[],"version":)"),
            std::string::npos);
}

TEST_F(QueriesTest, UsageOfTheMonth) {
  auto record = [&](const std::string& id, int quantity) {
    return world_.send("shop", "service:admin", "RecordUsage",
                       R"({"space":"web","entries":[{"source":"s","id":")" + id +
                           R"(","meter":"api_requests","quantity":)" + std::to_string(quantity) +
                           "}]}");
  };
  ASSERT_EQ(record("1", 40), "accepted");
  ASSERT_EQ(record("2", 2), "accepted");
  refresh();
  EXPECT_EQ(text(get_usage(service(), "shop", "web")),
            R"({"period":{"from":"2026-09-01T00:00:00.000000Z",)"
            R"("to":"2026-10-01T00:00:00.000000Z"},"meters":[)"
            R"({"meter":"resources","kind":"gauge","used":2,"limit":100,"excess":0},)"
            R"({"meter":"members","kind":"gauge","used":0,"limit":3,"excess":0},)"
            R"({"meter":"api_requests","kind":"counter","used":42,"limit":1000,"excess":0}],)"
            R"("credits":{"used_minor":0,"left_minor":0,"currency":"EUR"}})");
  world_.now += std::chrono::days(20);
  EXPECT_NE(text(get_usage(service(), "shop", "web"))
                .find(R"("meter":"api_requests","kind":"counter","used":0)"),
            std::string::npos);
}

TEST_F(QueriesTest, BillingFromFreeToPaid) {
  EXPECT_EQ(
      text(get_billing(service(), "shop", "web")),
      at(R"({"plan":"free","status":"free","period":{"from":"TIME","to":null},)"
         R"("pending":null,"payment_method":null,"billing_details":null,"credits_minor":0,"credits_used_minor":0,"currency":"EUR"})"));
  send("shop", "ann", "UpgradePlan", R"({"space":"web","plan":"basic"})");
  refresh();
  std::string pending = text(get_billing(service(), "shop", "web"));
  EXPECT_NE(pending.find(R"("plan":"free","status":"pending_payment")"), std::string::npos);
  size_t begin = pending.find(R"("checkout":")") + 12;
  std::string checkout = pending.substr(begin, pending.find('"', begin) - begin);
  ASSERT_EQ(world_.send("shop", "service:admin", "ConfirmPayment",
                        R"({"checkout":")" + checkout + R"("})"),
            "accepted");
  refresh();
  EXPECT_EQ(
      text(get_billing(service(), "shop", "web")),
      at(R"({"plan":"basic","status":"active","period":{"from":"TIME",)"
         R"("to":"2026-10-21T14:13:20.000000Z"},"pending":null,"payment_method":null,"billing_details":null,)"
         R"("credits_minor":0,"credits_used_minor":0,"currency":"EUR"})"));
}

TEST_F(QueriesTest, SpacesOfAUserOverAllOrganizations) {
  EXPECT_EQ(text(get_user_spaces(service(), "bob", {})),
            R"({"spaces":[{"org":"lab","space":"web","name":"Lab web","roles":["ReadWrite"],)"
            R"("via":["direct","group:ops"]},{"org":"shop","space":"web","name":"Web",)"
            R"("roles":["MANAGER"],"via":["role:MANAGER"]}],"next":null})");
  EXPECT_EQ(text(get_user_spaces(service(), "zoe", {})), R"({"spaces":[],"next":null})");
  std::string first = text(get_user_spaces(service(), "bob", {.limit = 1, .cursor = {}}));
  EXPECT_NE(first.find(R"("next":"lab/web")"), std::string::npos);
  std::string second = text(get_user_spaces(service(), "bob", {.limit = 1, .cursor = "lab/web"}));
  EXPECT_NE(second.find(R"("org":"shop")"), std::string::npos);
  EXPECT_NE(second.find(R"("next":null)"), std::string::npos);
}

TEST_F(QueriesTest, OrganizationsOfAUser) {
  EXPECT_EQ(text(get_user_organizations(service(), "bob", {})),
            at(R"({"organizations":[{"org":"lab","name":"Lab","role":"USER","since":"TIME"},)"
               R"({"org":"shop","name":"Shop \"1\"","role":"MANAGER","since":"TIME"}],)"
               R"("next":null})"));
  send("shop", "ann", "RemoveMember", R"({"user":"bob"})");
  refresh();
  EXPECT_EQ(text(get_user_organizations(service(), "bob", {})).find("shop"), std::string::npos);
}

TEST_F(QueriesTest, AssignableRoles) {
  EXPECT_EQ(text(get_assignable_roles(service(), "shop", "bob", "")),
            R"({"roles":["MANAGER","EVALUATOR"]})");
  EXPECT_EQ(text(get_assignable_roles(service(), "shop", "bob", "ann")), R"({"roles":[]})");
  EXPECT_EQ(text(get_assignable_space_roles(service(), "lab", "web", "root")),
            R"({"roles":["Admin","ReadWrite","Readonly"]})");
  EXPECT_EQ(text(get_assignable_space_roles(service(), "lab", "web", "bob")), R"({"roles":[]})");
}

TEST_F(QueriesTest, WhatAViewerMayNotSeeIsNotFoundJustAsWhatIsNotThere) {
  auto same_as_nothing = [&](const Result<std::string>& hidden, const Result<std::string>& none) {
    expect_not_found(hidden);
    expect_not_found(none);
  };
  // A stranger.
  same_as_nothing(get_organization(as("mallory"), "shop"), get_organization(as("mallory"), "no"));
  expect_not_found(get_members(as("mallory"), "shop", {}));
  expect_not_found(get_spaces(as("mallory"), "shop", {}));
  expect_not_found(get_space(as("mallory"), "shop", "web"));
  expect_not_found(get_user_spaces(as("mallory"), "bob", {}));
  expect_not_found(get_user_organizations(as("mallory"), "bob", {}));
  // One without the action.
  EXPECT_TRUE(get_organization(as("bob"), "lab"));
  expect_not_found(get_members(as("bob"), "lab", {}));
  expect_not_found(get_groups(as("bob"), "lab", {}));
  expect_not_found(get_member(as("bob"), "lab", "eve"));
  EXPECT_TRUE(get_member(as("bob"), "lab", "bob"));
  // One space seen, the other not.
  EXPECT_TRUE(get_space(as("bob"), "lab", "web"));
  EXPECT_TRUE(get_resources(as("bob"), "lab", "web", {}));
  EXPECT_TRUE(get_usage(as("bob"), "lab", "web"));
  expect_not_found(get_billing(as("bob"), "lab", "web"));
  expect_not_found(get_space_members(as("bob"), "lab", "web", {}));
  same_as_nothing(get_space(as("bob"), "lab", "attic"), get_space(as("bob"), "lab", "cellar"));
  std::string spaces = text(get_spaces(as("bob"), "lab", {}));
  EXPECT_NE(spaces.find("\"web\""), std::string::npos);
  EXPECT_EQ(spaces.find("attic"), std::string::npos);
  EXPECT_FALSE(get_history(as("bob"), "lab", "", {}));
  // Oneself.
  EXPECT_EQ(text(get_user_spaces(as("bob"), "bob", {})),
            text(get_user_spaces(service(), "bob", {})));
}

TEST_F(QueriesTest, HiddenAndMissingSpacesGiveTheSameMessageUpToTheName) {
  auto hidden = get_space(as("bob"), "lab", "attic");
  auto missing = get_space(as("bob"), "lab", "cellar");
  ASSERT_FALSE(hidden || missing);
  std::string expected = missing.error().message;
  expected.replace(expected.find("cellar"), 6, "attic");
  EXPECT_EQ(hidden.error().message, expected);
}

TEST_F(QueriesTest, ALimitOutsideItsRangeIsInvalid) {
  for (size_t limit : {size_t{0}, size_t{5001}}) {
    auto answer = get_members(service(), "shop", {.limit = limit, .cursor = {}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_FALSE(get_history(service(), "shop", "", {.limit = 10, .cursor = "x"}));
}

// One page after the other.
std::vector<std::string> users_of(const std::string& page) {
  std::vector<std::string> users;
  constexpr std::string_view kMark = R"("user":")";
  for (size_t at = page.find(kMark); at != std::string::npos; at = page.find(kMark, at)) {
    at += kMark.size();
    users.push_back(page.substr(at, page.find('"', at) - at));
  }
  return users;
}
std::string next_of(const std::string& page) {
  size_t at = page.rfind(R"("next":")");
  if (at == std::string::npos) return "";
  at += 8;
  return page.substr(at, page.find('"', at) - at);
}

TEST_F(QueriesTest, PagesMeetEveryMemberThatStaysOnceWhileOthersComeAndGo) {
  std::set<std::string> staying;
  for (int i = 100; i < 140; ++i) {
    std::string user = "m" + std::to_string(i);
    send("shop", "ann", "AddMember", R"({"user":")" + user + R"(","role":"EVALUATOR"})");
    if (i % 2 == 0) staying.insert(user);
  }
  refresh();
  std::multiset<std::string> seen;
  Page page{.limit = 3, .cursor = {}};
  int going = 101, coming = 500;
  do {
    std::string answer = text(get_members(service(), "shop", page));
    std::vector<std::string> users = users_of(answer);
    EXPECT_LE(users.size(), 3u);
    seen.insert(users.begin(), users.end());
    page.cursor = next_of(answer);
    if (going < 140) {
      send("shop", "ann", "RemoveMember", R"({"user":"m)" + std::to_string(going) + R"("})");
      going += 2;
    }
    send("shop", "ann", "AddMember",
         R"({"user":"a)" + std::to_string(++coming) + R"(","role":"EVALUATOR"})");
    refresh();
  } while (!page.cursor.empty());
  for (const std::string& user : staying) EXPECT_EQ(seen.count(user), 1u) << user;
  for (const std::string& user : seen) EXPECT_EQ(seen.count(user), 1u) << user;
}

}  // namespace
}  // namespace tenure::test
