// An organization as rows and back.
#include "engine/partition/state_rows.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/domain/evolve.h"
#include "engine/partition/decision_builder.h"
#include "engine/partition/vouched_command.h"
#include "tests/domain/domain_machine.h"
#include "tests/partition/harness.h"

namespace tenure::test {
namespace {

// Rows as a store keeps them, by key, of one organization.
class Rows {
 public:
  void apply(const RowChanges& changes, std::string_view org) {
    const std::string prefix = std::string(org) + '\0';
    for (const RowChanges::Change& change : changes.all()) {
      ASSERT_TRUE(change.key.starts_with(prefix));
      const std::string key(change.key.substr(prefix.size()));
      if (change.kind == RowChanges::Kind::kPut) rows_[key] = change.value;
      if (change.kind == RowChanges::Kind::kRemove) rows_.erase(key);
      if (change.kind == RowChanges::Kind::kRemovePrefix) {
        std::erase_if(rows_, [&](const auto& row) { return row.first.starts_with(key); });
      }
    }
  }
  Organization load(std::string_view org) const {
    StoredOrganization loaded;
    loaded.organization.id = OrgId(org);
    for (const auto& [key, value] : rows_) {
      const auto result = load_row(loaded, test_rulebooks(), key, value);
      EXPECT_TRUE(result.has_value()) << result.error().message;
    }
    derive(loaded.organization);
    return loaded.organization;
  }
  std::map<std::string, std::string> rows_;
};

// Decides and evolves, and keeps rows by what each decision touches.
class StateRows : public testing::Test {
 protected:
  void apply(std::string_view type, std::string_view what, std::string_view actor = "user:olga") {
    Vouched vouched;
    if (type == "CreateApiKey") vouched.key_hash.emplace().fill(static_cast<uint8_t>(number));
    const CommandBytes bytes = vouch_for(
        command(json(numbered("c", ++number), organization.id, actor, type, what)), vouched);
    const Organization* existing = number == 1 ? nullptr : &organization;
    builder.build(existing, bytes.view(), now);
    const schema::Decision& decision = builder.get();
    ASSERT_EQ(decision.outcome(), schema::Outcome::accepted)
        << decision.rejection()->message()->str();
    touch_rows(organization, decision, touched);
    evolve(organization, decision, Number{number}, test_rulebooks());
  }
  // Until now; whatever each leaves is written and compared.
  void do_due() {
    while (!organization.due.empty() && organization.due.begin()->at <= now) {
      const DueItem item = *organization.due.begin();
      SCOPED_TRACE(std::to_string(static_cast<int>(item.kind)) + " " + item.id);
      builder.build(&organization, due_command(organization.id, item), now);
      touch_rows(organization, builder.get(), touched);
      evolve(organization, builder.get(), Number{++number}, test_rulebooks());
      write_and_compare();
    }
  }
  void write() {
    RowChanges changes;
    encode_rows(organization, touched, number, {}, changes);
    touched.clear();
    rows.apply(changes, organization.id);
  }
  // After every write: what is loaded is what was in memory.
  void write_and_compare() {
    write();
    EXPECT_TRUE(rows.load(organization.id) == organization);
  }
  void use(std::string_view source, int id, std::string_view time) {
    apply("RecordUsage",
          R"("space":"alpha","entries":[{"source":")" + std::string(source) + R"(","id":")" +
              std::to_string(id) + R"(","meter":"api_requests","quantity":900,"time":")" +
              std::string(time) + R"("}])",
          "service:admin");
  }

  StateRows() { organization.id = OrgId("acme"); }

  DecisionBuilder builder{test_rulebooks(), test_catalog()};
  Organization organization;
  TouchedRows touched;
  Rows rows;
  uint64_t number = 0;
  Time now = from_micros(1'795'000'000'000'000);  // November 2026
};

TEST_F(StateRows, HoldEverythingThatDecidingNeeds) {
  apply("CreateOrganization", R"("name":"Acme","rulebook":"anaphora")");
  apply("AddMember", R"("user":"bob","role":"USER")");
  apply("CreateSpace", R"("space":"alpha","name":"Alpha","plan":"free")");
  apply("CreateGroup", R"("group":"dev","name":"Developers")");
  apply("AddToGroup", R"("group":"dev","user":"bob")");
  apply("GrantAccess", R"("space":"alpha","subject":"group:dev","roles":["Readonly"])");
  apply("GrantAccess", R"("space":"alpha","subject":"user:bob","roles":["Admin"])");
  apply("CreateResource", R"("space":"alpha","type":"job","resource":"j1")");
  apply("CreateResource", R"("space":"alpha","type":"job","resource":"j2")");
  apply("DeleteResource", R"("space":"alpha","resource":"j2")");
  use("gateway", 1, "2026-11-15T00:00:00Z");
  apply("UpgradePlan", R"("space":"alpha","plan":"basic")");
  write_and_compare();
}

TEST_F(StateRows, FollowEveryChangeWhenWrittenOneByOne) {
  const auto step = [&](std::string_view type, std::string_view what,
                        std::string_view actor = "user:olga") {
    apply(type, what, actor);
    SCOPED_TRACE(type);
    write_and_compare();
  };
  step("CreateOrganization", R"("name":"Acme","rulebook":"anaphora")");
  step("AddMember", R"("user":"bob","role":"USER")");
  step("ChangeRole", R"("user":"bob","role":"SYSTEM_ADMIN")");
  step("CreateSpace", R"("space":"alpha","name":"Alpha","plan":"free")");
  step("RenameSpace", R"("space":"alpha","name":"Beta")");
  step("CreateGroup", R"("group":"dev","name":"Developers")");
  step("AddToGroup", R"("group":"dev","user":"bob")");
  step("GrantAccess", R"("space":"alpha","subject":"group:dev","roles":["Readonly"])");
  step("ChangeAccess", R"("space":"alpha","subject":"group:dev","roles":["Admin"])");
  step("GrantAccess", R"("space":"alpha","subject":"user:bob","roles":["Admin"])");
  step("RemoveFromGroup", R"("group":"dev","user":"bob")");
  step("AddToGroup", R"("group":"dev","user":"olga")");
  step("DeleteGroup", R"("group":"dev")");
  step("RevokeAccess", R"("space":"alpha","subject":"user:bob")");
  step("UpgradePlan", R"("space":"alpha","plan":"basic")");
  const std::string checkout = organization.checkouts.begin()->first.str();
  step("ConfirmPayment", R"("checkout":")" + checkout + '"', "service:admin");
  step("TransferOwnership", R"("to":"bob")");
  step("RemoveMember", R"("user":"olga")", "user:bob");
}

TEST_F(StateRows, OfServicesFollowEveryGrantAndKey) {
  organization.id = OrgId(kServicesOrganization);
  const auto step = [&](std::string_view type, std::string_view what) {
    apply(type, what, "service:admin");
    SCOPED_TRACE(type);
    write_and_compare();
  };
  step("GrantServiceActions", R"("service":"m","actions":["usage.view","usage.record"])");
  step("GrantServiceActions", R"("service":"m","actions":["usage.view"],"org":"acme")");
  step("GrantServiceActions",
       R"("service":"m","actions":["resource.create:job"],"org":"acme","space":"s")");
  step("GrantServiceActions", R"("service":"p","actions":[],"org":"acme","act_for_users":true)");
  step("CreateApiKey", R"("key":"k1","service":"m")");
  step("CreateApiKey", R"("key":"k2","service":"m","expires":"2099-01-01T00:00:00Z")");
  step("RevokeApiKey", R"("key":"k1")");
  step("RevokeServiceActions", R"("service":"m","actions":["usage.view"])");
  step("RevokeServiceActions", R"("service":"m","actions":["usage.view"],"org":"acme")");
  step("RevokeServiceActions", R"("service":"p","actions":[],"org":"acme","act_for_users":true)");
}

TEST_F(StateRows, FollowMoneyFromTheCheckoutToTheLastStepOfDunning) {
  const auto step = [&](std::string_view type, std::string_view what,
                        std::string_view actor = "user:olga") {
    apply(type, what, actor);
    SCOPED_TRACE(type);
    write_and_compare();
  };
  const std::string_view admin = "service:admin";
  step("CreateOrganization", R"("name":"Acme","rulebook":"space","sandbox":false)");
  step("CreateSpace", R"("space":"alpha","name":"Alpha","plan":"free")");
  step("SetPaymentMethod", R"("token":"tok","label":"Visa")");
  step("SetPaymentMethod", R"("space":"alpha","token":"own","label":"Visa")");
  step("RemovePaymentMethod", R"("space":"alpha")");
  step("UpgradePlan", R"("space":"alpha","plan":"basic")");
  step("ConfirmPayment", R"("checkout":")" + organization.checkouts.begin()->first.str() + '"',
       admin);
  step("SetSpendingCap", R"("space":"alpha","meter":"api_requests","amount_minor":100000)");
  step("TopUpCredits", R"("space":"alpha","grant":"top","amount_minor":500)");
  step("ConfirmPayment", R"("checkout":")" + organization.checkouts.begin()->first.str() + '"',
       admin);
  step("TopUpCredits", R"("space":"alpha","grant":"late","amount_minor":500)");
  step("GrantCredits",
       R"("space":"alpha","grant":"gift","amount_minor":300,"expires":"2026-12-01T00:00:00Z")",
       admin);
  step("UseCredits", R"("space":"alpha","amount_minor":200,"description":"x")", admin);
  step(
      "RecordUsage",
      R"("space":"alpha","entries":[{"source":"g","id":"a","meter":"api_requests","quantity":150000}])",
      admin);
  step("UpgradePlan", R"("space":"alpha","plan":"pro","confirm":true)");
  step("UpgradePlan", R"("space":"alpha","plan":"free")");
  step("ResumeSubscription", R"("space":"alpha")");
  now += std::chrono::days(35);
  do_due();  // the checkout, the gift, the period, its invoice
  ASSERT_EQ(organization.invoices.size(), 2u);
  EXPECT_EQ(organization.spaces.begin()->second.credits.find("gift")->second.left, 0);
  step("RecordPayment", R"("invoice":"INV-000002","amount_minor":100,"reference":"r")", admin);
  step("IssueCreditNote", R"("invoice":"INV-000002","amount_minor":50,"description":"x")", admin);
  step("FailInvoicePayment", R"("invoice":"INV-000002","amount_minor":50,"reference":"r")", admin);
  step("ChangeBillingMode", R"("billing_mode":"consolidated")");
  now += std::chrono::days(40);
  do_due();
  EXPECT_EQ(organization.spaces.begin()->second.subscription.status, SubscriptionStatus::kFree);
  EXPECT_EQ(organization.invoices.find("INV-000002")->second.step, DunningStep::kEnded);
  step("RecordPayment", R"("invoice":"INV-000003","amount_minor":4000,"reference":"r")", admin);
}

TEST_F(StateRows, OfUsageIdsGrowByChunksAndGoByMonths) {
  apply("CreateOrganization", R"("name":"Acme","rulebook":"space")");
  apply("CreateSpace", R"("space":"alpha","name":"Alpha")");
  use("gateway", 1, "2026-11-15T00:00:00Z");
  write_and_compare();
  const size_t rows_before = rows.rows_.size();
  use("gateway", 2, "2026-11-15T00:00:00Z");
  use("gateway", 3, "2026-11-15T00:00:00Z");
  write_and_compare();
  EXPECT_EQ(rows.rows_.size(), rows_before + 1) << "one chunk for both";
  now += std::chrono::days(150);
  use("gateway", 4, "2027-04-15T00:00:00Z");
  ASSERT_EQ(organization.spaces.begin()->second.usage_seen.size(), 1u) << "November went";
  write_and_compare();
}

TEST_F(StateRows, OfAHardLimitRememberWhichThresholdsWereTold) {
  apply("CreateOrganization", R"("name":"Acme","rulebook":"space")");
  apply("CreateSpace", R"("space":"alpha","name":"Alpha","plan":"free")");
  use("gateway", 1, "2026-11-15T00:00:00Z");  // 900 of 1,000
  write_and_compare();
  for (uint64_t i = 0; i < 80; i++) {  // 80 of 100
    apply("CreateResource",
          R"("space":"alpha","type":"service","resource":"r)" + std::to_string(i) + '"');
  }
  write_and_compare();
}

TEST_F(StateRows, ThatAreNotRowsAreCorruptAndUnknownNamesUnsupported) {
  apply("CreateOrganization", R"("name":"Acme","rulebook":"space")");
  write();
  for (const auto& [key, value] : rows.rows_) {
    StoredOrganization loaded;
    loaded.organization.id = OrgId("acme");
    if (key[0] != 1) {
      loaded.organization.rulebook = test_rulebooks().find("space");
    }
    const auto damaged = load_row(loaded, test_rulebooks(), key, value.substr(0, 7));
    ASSERT_FALSE(damaged.has_value());
    EXPECT_EQ(damaged.error().kind, ErrorKind::kCorrupt);
    const auto unknown = load_row(loaded, Rulebooks{}, key, value);
    EXPECT_EQ(unknown.has_value(), key[0] != 1);
    if (!unknown) {
      EXPECT_EQ(unknown.error().kind, ErrorKind::kUnsupported);
    }
  }
}

}  // namespace
}  // namespace tenure::test
