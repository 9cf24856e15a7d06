// Rulebooks and the catalog from JSON: what compiles, and what is refused with which place.
#include <gmock/gmock.h>

#include "engine/json/json_edge.h"
#include "engine/rulebooks/builtin.h"
#include "tests/domain/domain_machine.h"

namespace tenure {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kGood = R"({
  "name": "plain", "version": 1, "owner_role": "BOSS", "joins": ["direct"],
  "default_plan": "free",
  "resource_types": [{"name": "doc", "copyable": true, "linked_copyable": ["pic"]},
                     {"name": "pic", "copyable": true}],
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

// One place of a text that is good otherwise, changed.
struct Broken {
  const char* what;
  const char* instead;
  const char* path;
  const char* says;
};

void PrintTo(const Broken& row, std::ostream* out) { *out << row.instead; }

// All the nonsense in a rulebook, as "path: what".
std::vector<std::string> nonsense_in(const std::string& json) {
  JsonReader reader(rulebook_schema());
  const auto source = reader.read(json);
  EXPECT_TRUE(source.has_value()) << source.error().message;
  std::vector<std::string> lines;
  for (const Nonsense& each : Rulebook::nonsense(
           *flatbuffers::GetRoot<schema::Rulebook>(source.value().data()), test_catalog())) {
    lines.push_back(each.path + ": " + each.what);
  }
  return lines;
}

class NonsenseRulebook : public testing::TestWithParam<Broken> {};

TEST_P(NonsenseRulebook, IsRefusedAndNamesThePath) {
  const Broken& row = GetParam();
  const std::string text = with(kBase, row.what, row.instead);
  EXPECT_THAT(nonsense_in(text),
              Contains(AllOf(StartsWith(std::string(row.path) + ": "), HasSubstr(row.says))));
  const auto rulebook = load_rulebook(text);
  ASSERT_FALSE(rulebook.has_value()) << row.what << " -> " << row.instead;
  EXPECT_EQ(rulebook.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(rulebook.error().message.find("rulebook "), 0u);
}

constexpr const char* kBossActs = R"("acts_on": ["BOSS"])";
constexpr const char* kUserActions = R"("actions": ["organization.view"])";
constexpr const char* kFirstOfUser = "organization_roles[1].actions[0]";

INSTANTIATE_TEST_SUITE_P(
    Names, NonsenseRulebook,
    testing::Values(
        Broken{R"("name": "plain")", R"("name": "a b")", "name", "must be an id"},
        Broken{R"("name": "plain")", R"("name": "_plain")", "name", "reserved for the engine"},
        Broken{R"("version": 1)", R"("version": 0)", "version", "at least 1"},
        Broken{R"("name": "pic")", R"("name": "p:c")", "resource_types[1].name", "without ':'"},
        Broken{R"("name": "USER")", R"("name": "system:x")", "organization_roles[1].name",
               "reserved for the engine"},
        Broken{R"("name": "USER")", R"("name": "")", "organization_roles[1].name", "an id"},
        Broken{R"("name": "Full")", R"("name": "group:x")", "space_roles[0].name", "an id"}));

INSTANTIATE_TEST_SUITE_P(
    Repeated, NonsenseRulebook,
    testing::Values(
        Broken{R"(["direct"])", R"(["direct", "direct"])", "joins[1]", "listed twice"},
        Broken{R"("name": "pic")", R"("name": "doc")", "resource_types[1].name", "listed twice"},
        Broken{R"(["pic"])", R"(["pic", "pic"])", "resource_types[0].linked_copyable[1]", "twice"},
        Broken{R"("name": "USER")", R"("name": "BOSS")", "organization_roles[1].name",
               "listed twice"},
        Broken{kUserActions, R"("actions": ["organization.view", "organization.view"])",
               "organization_roles[1].actions[1]", "USER has \"organization.view\" twice"},
        Broken{kBossActs, R"("acts_on": ["BOSS", "BOSS"])", "organization_roles[0].acts_on[1]",
               "twice"},
        Broken{kBossActs, R"("acts_on": ["BOSS"], "assigns": ["USER", "USER"])",
               "organization_roles[0].assigns[1]", "twice"}));

INSTANTIATE_TEST_SUITE_P(
    Empty, NonsenseRulebook,
    testing::Values(Broken{R"(["direct"])", "[]", "joins", "a way to join"},
                    Broken{R"([{"name": "doc", "copyable": true, "linked_copyable": ["pic"]},
                     {"name": "pic", "copyable": true}])",
                           "[]", "resource_types", "at least one type"},
                    Broken{kUserActions, R"("actions": [])", "organization_roles[1].actions",
                           "USER has no action"},
                    Broken{R"(["resource.read:*"])", "[]", "space_roles[0].actions",
                           "Full has no action"}));

INSTANTIATE_TEST_SUITE_P(
    Unknown, NonsenseRulebook,
    testing::Values(
        Broken{R"(["pic"])", R"(["film"])", "resource_types[0].linked_copyable[0]", "film"},
        Broken{R"("organization.view")", R"("organization.fly")", kFirstOfUser,
               "USER has \"organization.fly\", which is not an action"},
        Broken{R"("organization.view")", R"("resource.read:film")", kFirstOfUser, "film"},
        Broken{R"("resource.read:*")", R"("resource.fly:*")", "space_roles[0].actions[0]",
               "resource.fly:*"},
        Broken{kBossActs, R"("acts_on": ["BOSS", "KING"])", "organization_roles[0].acts_on[1]",
               "BOSS acts on \"KING\", which is not a role"},
        Broken{kBossActs, R"("acts_on": ["BOSS"], "assigns": ["KING"])",
               "organization_roles[0].assigns[0]", "BOSS assigns \"KING\", which is not a role"},
        Broken{R"("inherits_space_role": "Full")", R"("inherits_space_role": "Half")",
               "organization_roles[0].inherits_space_role", "BOSS inherits \"Half\""}));

INSTANTIATE_TEST_SUITE_P(
    OutOfPlace, NonsenseRulebook,
    testing::Values(
        Broken{R"("organization.view")", R"("payment.confirm")", kFirstOfUser, "services only"},
        Broken{R"("resource.read:*")", R"("member.add")", "space_roles[0].actions[0]",
               "not about one space"},
        Broken{R"(, "copyable": true}])", R"(}])", "resource_types[0].linked_copyable[0]",
               "\"pic\" is not copyable"},
        Broken{R"("doc", "copyable": true)", R"("doc")", "resource_types[0].linked_copyable",
               "doc is not copyable"},
        Broken{R"("name": "pic", "copyable": true)", R"("name": "pic", "copy_keeps_ids": true)",
               "resource_types[1].copy_keeps_ids", "pic is not copyable"},
        Broken{R"("name": "USER",)", R"("name": "USER", "non_destructive": true,)",
               "organization_roles[1].non_destructive", "no group.manage"}));

INSTANTIATE_TEST_SUITE_P(
    NobodyCould, NonsenseRulebook,
    testing::Values(
        Broken{R"("owner_role": "BOSS")", R"("owner_role": "KING")", "owner_role", "KING"},
        Broken{kBossActs, R"("acts_on": [])", "owner_role", "act on itself"},
        Broken{R"("organization.transfer", )", "", "owner_role", "no member could ever become"},
        Broken{R"(,
    {"name": "USER", "actions": ["organization.view"]})",
               "", "owner_role", "needs a lower role"},
        Broken{R"("joins")", R"("custom_space_roles": true, "joins")", "custom_space_roles",
               "nobody could define one"},
        Broken{R"("joins")", R"("space_guests": true, "joins")", "space_guests", "invitation"},
        Broken{R"("access.manage")", R"("space_role.define")", "organization_roles[0].actions",
               "needs custom_space_roles"}));

TEST(Rulebook, RefusesAnOwnerThatOnlyOneMayHoldAndSomebodyGives) {
  const std::string text = with(with(kBase, R"("joins")", R"("single_owner": true, "joins")"),
                                kUserActions, R"("actions": ["member.add"], "assigns": ["BOSS"])");
  EXPECT_THAT(nonsense_in(text),
              ElementsAre("single_owner: USER assigns BOSS, which only one may hold"));
}

TEST(Rulebook, RefusesAccessThatNobodyCouldBeGiven) {
  const std::string uninherited = with(kBase, R"(,
     "inherits_space_role": "Full")",
                                       "");
  const std::string text =
      with(uninherited, R"([{"name": "Full", "actions": ["resource.read:*"]}])", "[]");
  EXPECT_THAT(nonsense_in(text),
              ElementsAre("organization_roles[0].actions: access.manage needs space roles to "
                          "give; list space_roles"));
}

// A catalog may change after a rulebook was adopted: it still compiles.
TEST(Rulebook, StartsSpacesOnAPlanThatTheCatalogGivesAway) {
  const std::string unknown = with(kBase, R"("free")", R"("gratis")");
  EXPECT_THAT(nonsense_in(unknown),
              ElementsAre(AllOf(StartsWith("default_plan: \"gratis\" is not a plan of the catalog"),
                                HasSubstr("its plans are unmetered, free"))));
  const std::string paid = with(kBase, R"("free")", R"("pro")");
  EXPECT_THAT(nonsense_in(paid), ElementsAre(HasSubstr("\"pro\" must cost nothing")));
  EXPECT_TRUE(load_rulebook(unknown).has_value() && load_rulebook(paid).has_value());
}

TEST(Rulebook, TellsAllNonsenseAtOnceAndLoadsWithTheFirst) {
  const std::string text = with(with(kBase, R"("version": 1)", R"("version": 0)"),
                                R"("organization.view")", R"("organization.fly")");
  EXPECT_THAT(nonsense_in(text),
              ElementsAre("version: must be at least 1", HasSubstr("organization.fly")));
  EXPECT_EQ(load_rulebook(text).error().message, "rulebook \"plain\", version: must be at least 1");
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
  text = with(text, R"("organization.view")", R"("space_role.define")");
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

TEST(BuiltinRulebooks, AreFourAndMakeSense) {
  EXPECT_EQ(test_rulebooks().names(), "anaphora@1, flotiq@1, space@1, upcloud@1");
  for (const std::string_view text : builtin_rulebook_texts()) {
    EXPECT_THAT(nonsense_in(std::string(text)), IsEmpty());
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

constexpr const char* kCatalog = R"({"version":1,"currency":"EUR",
  "grace_s":3600,"due_days":14,"consolidated_due_days":30,
  "dunning":{"warned_days":7,"suspended_days":14,"ended_days":30},
  "taxes":[{"country":"DE","hundredths_of_percent":1900},{"country":"NL"}],"plans":[
  {"name":"p","price_minor":100,"period_months":1,"meters":[
    {"meter":"m","kind":"counter","limit":10,"tiers":[{"from":10,"unit":5,"amount_minor":1}]}]}]})";

class NonsenseCatalog : public testing::TestWithParam<Broken> {};

TEST_P(NonsenseCatalog, IsRefusedAndNamesThePlace) {
  ASSERT_TRUE(load_catalog(kCatalog).has_value());
  const Broken& row = GetParam();
  const auto catalog = load_catalog(with(kCatalog, row.what, row.instead));
  ASSERT_FALSE(catalog.has_value()) << row.what << " -> " << row.instead;
  EXPECT_THAT(catalog.error().message, HasSubstr(row.path));
  EXPECT_THAT(catalog.error().message, HasSubstr(row.says));
}

INSTANTIATE_TEST_SUITE_P(
    Catalog, NonsenseCatalog,
    testing::Values(
        Broken{R"("EUR")", R"("Eur")", "currency", "capital letters"},
        Broken{R"("grace_s":3600,)", "", "grace_s", "must be given"},
        Broken{R"("due_days":14)", R"("due_days":4000)", "due_days", "at most ten years"},
        Broken{R"("suspended_days":14)", R"("suspended_days":7)", "dunning", "must rise"},
        Broken{R"("country":"DE")", R"("country":"de")", "taxes, \"de\"", "two capital letters"},
        Broken{R"("country":"DE")", R"("country":"NL")", "taxes, \"NL\"", "listed twice"},
        Broken{"1900", "10001", "taxes, \"DE\"", "at most 100 %"},
        Broken{R"("name":"p")", R"("name":"p p")", "plan", "must be an id"},
        Broken{R"("price_minor":100)", R"("price_minor":-1)", "plan \"p\"", "not be negative"},
        Broken{R"("period_months":1)", R"("period_months":2)", "plan \"p\"", "period_months"},
        Broken{R"("price_minor":100,)", "", "plan \"p\"", "period_months"},
        Broken{R"("amount_minor":1}]})", R"("amount_minor":1}]},{"meter":"m"})", "meter \"m\"",
               "listed twice"},
        Broken{R"("limit":10,)", "", "meter \"m\"", "give it a limit"},
        Broken{R"("kind":"counter")", R"("kind":"gauge")", "meter \"m\"", "counter's limit"},
        Broken{R"("from":10)", R"("from":11)", "meter \"m\"", "begin at the limit"},
        Broken{R"("from":10)", R"("from":9)", "meter \"m\"", "must rise"},
        Broken{R"("unit":5)", R"("unit":0)", "meter \"m\"", "at least 1"}));

}  // namespace
}  // namespace tenure
