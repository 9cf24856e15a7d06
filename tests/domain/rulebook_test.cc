// Rulebooks and the catalog from JSON: what compiles, and what is refused with which place.
#include <gmock/gmock.h>

#include "engine/rulebooks/builtin.h"
#include "tests/domain/domain_machine.h"

namespace tenure {
namespace {

using testing::HasSubstr;

const std::string kGood = R"({
  "name": "plain", "version": 1, "owner_role": "BOSS", "joins": ["direct"],
  "default_plan": "free",
  "resource_types": [{"name": "doc", "copyable": true, "linked_copyable": ["pic"]}, {"name": "pic"}],
  "organization_roles": [
    {"name": "BOSS", "actions": ["organization.transfer", "access.manage"], "acts_on": ["BOSS"],
     "inherits_space_role": "Full"},
    {"name": "USER", "actions": ["organization.view"]}
  ],
  "space_roles": [{"name": "Full", "actions": ["resource.*:doc"]}]
})";

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

// A rulebook that compiles, to be broken in one place by each row below.
const std::string kBase = with(kGood, "resource.*:doc", "resource.read:*");

TEST(Rulebook, OfPlainDataCompiles) {
  const auto rulebook = load_rulebook(kBase);
  ASSERT_TRUE(rulebook.has_value()) << rulebook.error().message;
  EXPECT_EQ((*rulebook)->pinned_name, "plain@1");
  const ActionSet& full = (*rulebook)->space_roles[0].actions;
  EXPECT_TRUE(full.has(ResourceVerb::kRead, 0) && full.has(ResourceVerb::kRead, 1));
  EXPECT_FALSE(full.has(ResourceVerb::kCreate, 0));
}

struct Nonsense {
  const char* what;
  const char* instead;
  const char* place;
  const char* says;
};

void PrintTo(const Nonsense& row, std::ostream* out) { *out << row.instead; }

class NonsenseRulebook : public testing::TestWithParam<Nonsense> {};

TEST_P(NonsenseRulebook, IsRefusedAndNamesThePlace) {
  const Nonsense& row = GetParam();
  const auto rulebook = load_rulebook(with(kBase, row.what, row.instead));
  ASSERT_FALSE(rulebook.has_value()) << row.what << " -> " << row.instead;
  EXPECT_EQ(rulebook.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(rulebook.error().message, HasSubstr(row.place));
  EXPECT_THAT(rulebook.error().message, HasSubstr(row.says));
}

INSTANTIATE_TEST_SUITE_P(
    Rulebook, NonsenseRulebook,
    testing::Values(
        Nonsense{R"("name": "plain")", R"("name": "a b")", "name", "must be an id"},
        Nonsense{R"("version": 1)", R"("version": 0)", "version", "at least 1"},
        Nonsense{R"(["direct"])", "[]", "joins", "a way to join"},
        Nonsense{R"("free")", R"("")", "default_plan", "must name a plan"},
        Nonsense{R"("name": "pic")", R"("name": "doc")", "resource_types[1].name", "listed twice"},
        Nonsense{R"("name": "pic")", R"("name": "p:c")", "resource_types[1].name", "without ':'"},
        Nonsense{R"(["pic"])", R"(["film"])", "resource_types[0].linked_copyable", "film"},
        Nonsense{R"("organization.view")", R"("organization.fly")",
                 "organization_roles[1] USER.actions[0]", "organization.fly"},
        Nonsense{R"("organization.view")", R"("resource.read:film")",
                 "organization_roles[1] USER.actions[0]", "film"},
        Nonsense{R"("organization.view")", R"("payment.confirm")",
                 "organization_roles[1] USER.actions[0]", "services only"},
        Nonsense{R"("acts_on": ["BOSS"])", R"("acts_on": ["BOSS", "KING"])",
                 "organization_roles[0] BOSS.acts_on", "KING"},
        Nonsense{R"("acts_on": ["BOSS"])", R"("acts_on": ["BOSS"], "assigns": ["KING"])",
                 "organization_roles[0] BOSS.assigns", "KING"},
        Nonsense{R"("acts_on": ["BOSS"])", R"("acts_on": [])", "owner_role", "act on itself"},
        Nonsense{R"("name": "USER")", R"("name": "BOSS")", "organization_roles[1].name",
                 "listed twice"},
        Nonsense{R"("owner_role": "BOSS")", R"("owner_role": "KING")", "owner_role", "KING"},
        Nonsense{R"("organization.transfer", )", "", "owner_role", "no member could ever become"},
        Nonsense{R"(,
    {"name": "USER", "actions": ["organization.view"]})",
                 "", "owner_role", "needs a lower role"},
        Nonsense{R"("Full",)", R"("Fuller",)", "organization_roles", "Full"},
        Nonsense{R"("inherits_space_role": "Full")", R"("inherits_space_role": "Half")",
                 "organization_roles[0] BOSS.inherits_space_role", "Half"},
        Nonsense{R"("resource.read:*")", R"("member.add")", "space_roles[0] Full.actions",
                 "not about one space"},
        Nonsense{R"("resource.read:*")", R"("resource.fly:*")", "space_roles[0] Full.actions[0]",
                 "resource.fly:doc"}));

TEST(Rulebook, RefusesAnOwnerThatOnlyOneMayHoldAndSomebodyGives) {
  const std::string text =
      with(with(kBase, R"("joins")", R"("single_owner": true, "joins")"),
           R"("actions": ["organization.view"])", R"("actions": [], "assigns": ["BOSS"])");
  const auto rulebook = load_rulebook(text);
  ASSERT_FALSE(rulebook.has_value());
  EXPECT_THAT(rulebook.error().message, HasSubstr("single_owner: USER assigns BOSS"));
}

TEST(Rulebook, RefusesAccessThatNobodyCouldBeGiven) {
  std::string text = with(kBase, R"(,
     "inherits_space_role": "Full")",
                          "");
  text = with(text, R"("space_roles": [{"name": "Full", "actions": ["resource.read:*"]}])",
              R"("space_roles": [])");
  const auto rulebook = load_rulebook(text);
  ASSERT_FALSE(rulebook.has_value());
  EXPECT_THAT(rulebook.error().message, HasSubstr("access.manage needs space roles"));
}

TEST(Rulebook, RefusesMoreTypesAndRolesThanItCanHold) {
  std::string types, roles;
  for (int i = 0; i < 33; ++i) types += R"({"name":"t)" + std::to_string(i) + R"("},)";
  for (int i = 0; i < 65; ++i) roles += R"({"name":"r)" + std::to_string(i) + R"(","actions":[]},)";
  const auto many_types =
      load_rulebook(with(kBase, R"({"name": "doc")", types + R"({"name": "doc")"));
  ASSERT_FALSE(many_types.has_value());
  EXPECT_THAT(many_types.error().message, HasSubstr("resource_types: at most 32"));
  const auto many_roles =
      load_rulebook(with(kBase, R"({"name": "USER")", roles + R"({"name": "USER")"));
  ASSERT_FALSE(many_roles.has_value());
  EXPECT_THAT(many_roles.error().message, HasSubstr("organization_roles: at most 64"));
}

TEST(Rulebook, CanSayCustomRolesInvitationsGuestsAndAccessToAll) {
  std::string text = with(kBase, R"("joins": ["direct"])",
                          R"("joins": ["invitation"], "custom_space_roles": true,
                             "access_without_role_is_all": true, "space_guests": true)");
  text = with(text, R"("inherits_space_role": "Full")", R"("inherits_all": true)");
  const auto rulebook = load_rulebook(text);
  ASSERT_TRUE(rulebook.has_value()) << rulebook.error().message;
  EXPECT_TRUE((*rulebook)->custom_space_roles && (*rulebook)->access_without_role_is_all &&
              (*rulebook)->space_guests && (*rulebook)->invitation_join);
  EXPECT_FALSE((*rulebook)->direct_join);
  EXPECT_TRUE((*rulebook)->organization_roles[0].power.has(ResourceVerb::kDelete, 1));
}

TEST(Rulebooks, AreFoundPinnedOrByTheirNewestVersion) {
  Rulebooks rulebooks;
  for (const char* version : {"2", "10", "9"}) {
    const std::string text =
        with(kBase, R"("version": 1)", R"("version": )" + std::string(version));
    rulebooks.add(load_rulebook(text).value());
  }
  EXPECT_EQ(rulebooks.find("plain")->pinned_name, "plain@10");
  EXPECT_EQ(rulebooks.find("plain@9")->pinned_name, "plain@9");
  EXPECT_EQ(rulebooks.find("plain@3"), nullptr);
  EXPECT_EQ(rulebooks.find("plai"), nullptr);
}

TEST(BuiltinRulebooks, StartSpacesOnPlansThatCostNothing) {
  EXPECT_EQ(test_rulebooks().names(), "anaphora@1, space@1");
  for (const char* name : {"space", "anaphora"}) {
    const schema::Plan* plan = test_catalog().find(test_rulebooks().find(name)->default_plan);
    ASSERT_NE(plan, nullptr);
    EXPECT_EQ(plan->price_minor(), 0);
  }
}

TEST(BuiltinCatalog, SellsAYearForTenMonths) {
  for (const char* name : {"basic", "pro", "scale"}) {
    const schema::Plan* monthly = test_catalog().find(name);
    const schema::Plan* yearly = test_catalog().find(std::string(name) + "-yearly");
    ASSERT_TRUE(monthly != nullptr && yearly != nullptr);
    EXPECT_EQ(yearly->price_minor(), 10 * monthly->price_minor());
    EXPECT_EQ(yearly->period_months(), 12u);
    EXPECT_EQ(monthly->period_months(), 1u);
  }
  EXPECT_EQ(test_catalog().find("basic")->price_minor(), 2000);
  EXPECT_EQ(test_catalog().currency(), "EUR");
}

constexpr const char* kCatalog = R"({"version":1,"currency":"EUR","plans":[
  {"name":"p","price_minor":100,"period_months":1,"meters":[
    {"meter":"m","kind":"counter","limit":10,"tiers":[{"from":10,"unit":5,"amount_minor":1}]}]}]})";

class NonsenseCatalog : public testing::TestWithParam<Nonsense> {};

TEST_P(NonsenseCatalog, IsRefusedAndNamesThePlace) {
  ASSERT_TRUE(load_catalog(kCatalog).has_value());
  const Nonsense& row = GetParam();
  const auto catalog = load_catalog(with(kCatalog, row.what, row.instead));
  ASSERT_FALSE(catalog.has_value()) << row.what << " -> " << row.instead;
  EXPECT_THAT(catalog.error().message, HasSubstr(row.place));
  EXPECT_THAT(catalog.error().message, HasSubstr(row.says));
}

INSTANTIATE_TEST_SUITE_P(
    Catalog, NonsenseCatalog,
    testing::Values(
        Nonsense{R"("EUR")", R"("Eur")", "currency", "capital letters"},
        Nonsense{R"("name":"p")", R"("name":"p p")", "plan", "must be an id"},
        Nonsense{R"("price_minor":100)", R"("price_minor":-1)", "plan \"p\"", "not be negative"},
        Nonsense{R"("period_months":1)", R"("period_months":2)", "plan \"p\"", "period_months"},
        Nonsense{R"("price_minor":100,)", "", "plan \"p\"", "period_months"},
        Nonsense{R"("amount_minor":1}]})", R"("amount_minor":1}]},{"meter":"m"})", "meter \"m\"",
                 "listed twice"},
        Nonsense{R"("limit":10,)", "", "meter \"m\"", "give it a limit"},
        Nonsense{R"("kind":"counter")", R"("kind":"gauge")", "meter \"m\"", "counter's limit"},
        Nonsense{R"("from":10)", R"("from":11)", "meter \"m\"", "begin at the limit"},
        Nonsense{R"("from":10)", R"("from":9)", "meter \"m\"", "must rise"},
        Nonsense{R"("unit":5)", R"("unit":0)", "meter \"m\"", "at least 1"}));

}  // namespace
}  // namespace tenure
