// Money: how parts of an amount are rounded, what is billed where the acceptance cases do not look.
#include <gmock/gmock.h>

#include "engine/domain/calendar.h"
#include "engine/domain/money.h"
#include "engine/rulebooks/builtin.h"
#include "tests/domain/script.h"

namespace tenure {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::ElementsAre;

TEST(Money, IsRoundedHalfUpOnceALine) {
  EXPECT_EQ(share(1, 1, 2), 1);
  EXPECT_EQ(share(1, 49, 100), 0);
  EXPECT_EQ(share(3, 1, 2), 2);
  EXPECT_EQ(share(2000, 10, 31), 645);
  EXPECT_EQ(share(4000, 21, 31), 2710);
  EXPECT_EQ(share(kMaxMinor, UINT64_MAX, UINT64_MAX), kMaxMinor) << "without an overflow";
  EXPECT_EQ(times(kMaxMinor, 2), kMaxMinor);
}

TEST(Invoices, AreNamedByTheirNumber) {
  EXPECT_EQ(invoice_id(12), "INV-000012");
  EXPECT_EQ(invoice_id(12'345'678), "INV-12345678");
  EXPECT_EQ(invoice_number("INV-000012"), 12u);
  EXPECT_EQ(invoice_number("INV-12345678"), 12'345'678u);
  for (const char* other : {"INV-12", "INV-0000012", "INV-", "INV-00001x", "CN-000012", ""}) {
    EXPECT_EQ(invoice_number(other), std::nullopt) << other;
  }
}

class BillingScript : public testing::Test {
 protected:
  void make(const char* type, const std::string& command, const char* actor = "user:ada") {
    ASSERT_EQ(script.send(actor, type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }
  void subscribe(const std::string& billing_mode = "per_space") {
    make("CreateOrganization",
         R"({"name":"Acme","rulebook":"space","billing_mode":")" + billing_mode + "\"}");
    make("CreateSpace", R"({"space":"s","name":"S","plan":"free"})");
    make("UpgradePlan", R"({"space":"s","plan":"basic"})");
    if (billing_mode == "consolidated") return;
    make("ConfirmPayment",
         R"({"checkout":")" + script.space("s").subscription.pending->checkout.str() + "\"}",
         "service:admin");
  }
  // Day by day: what is due is done when somebody asks.
  void live_through(days all) {
    for (days day{0}; day < all; ++day) {
      script.now += days(1);
      make("RenameSpace",
           R"({"space":"s","name":"S)" + std::to_string(script.machine().history().size()) + "\"}");
    }
  }
  Script script;
};

TEST_F(BillingScript, WhatCostsNothingHasNoInvoiceAndTakesNoNumber) {
  subscribe();
  script.now += std::chrono::minutes(5);  // 0.2 cents
  make("DeleteSpace", R"({"space":"s","confirm":true})");
  script.now += hours(2);
  make("CreateSpace", R"({"space":"t","name":"T"})");
  const auto& history = script.machine().history();
  const schema::Decision& due = decision_of(history[history.size() - 2]);
  ASSERT_EQ(due.events()->size(), 1u);
  EXPECT_NE(due.events()->Get(0)->event_as_NothingCharged(), nullptr);
  EXPECT_EQ(script.organization().next_invoice, 1u);
  EXPECT_TRUE(script.organization().due.empty());
}

TEST_F(BillingScript, PersonalBillingDetailsAreNeverTakenInClear) {
  subscribe();
  EXPECT_EQ(script.send("user:ada", "SetBillingDetails",
                        R"({"name":"Ada","address":"Here 1","country":"DE"})"),
            "malformed");
}

TEST(Catalogs, SellToNobodyWhoPaysInAnotherCurrency) {
  Catalog catalog = test_catalog();
  Script script(test_rulebooks(), catalog);
  const auto sent = [&](const char* type, const std::string& command) {
    return script.send("user:ada", type, command);
  };
  ASSERT_EQ(sent("CreateOrganization", R"({"name":"Acme","rulebook":"space"})"), "accepted");
  ASSERT_EQ(sent("CreateSpace", R"({"space":"s","name":"S","plan":"free"})"), "accepted");
  std::string in_dollars = taxed_catalog_text();
  in_dollars.replace(in_dollars.find("\"EUR\""), 5, "\"USD\"");
  catalog = load_catalog(in_dollars).value();
  EXPECT_EQ(sent("UpgradePlan", R"({"space":"s","plan":"basic"})"), "invalid_value");
  EXPECT_EQ(script.last().rejection()->message()->str(),
            "plan \"basic\" is sold in USD, the organization pays in EUR");
  EXPECT_EQ(sent("CreateSpace", R"({"space":"t","name":"T","plan":"basic"})"), "invalid_value");
  EXPECT_EQ(sent("CreateSpace", R"({"space":"t","name":"T"})"), "accepted");
}

TEST_F(BillingScript, ABillingModeHoldsFromTheNextPeriodOn) {
  subscribe();
  const Time first_end = script.space("s").subscription.period_to;
  make("ChangeBillingMode", R"({"billing_mode":"consolidated"})");
  EXPECT_EQ(script.send("user:ada", "ChangeBillingMode", R"({"billing_mode":"consolidated"})"),
            "nothing_to_do");
  EXPECT_FALSE(script.space("s").subscription.consolidated);
  script.now = first_end + hours(2);
  make("CreateSpace", R"({"space":"t","name":"T","plan":"pro"})");
  EXPECT_TRUE(script.space("s").subscription.consolidated);
  EXPECT_EQ(script.organization().invoices.at(InvoiceId("INV-000001")).space, "s");
  EXPECT_EQ(script.space("s").subscription.period_to, script.space("t").subscription.period_to);
  script.now = script.space("t").subscription.period_to + hours(2);
  make("RenameSpace", R"({"space":"t","name":"U"})");
  EXPECT_EQ(script.organization().invoices.at(InvoiceId("INV-000002")).space, "");
  EXPECT_EQ(script.organization().invoices.size(), 2u) << "one for both";
}

TEST_F(BillingScript, TheOrganizationsPeriodsBeginWithItsFirstPaidPlan) {
  subscribe();
  const Time first = script.now;
  make("UpgradePlan", R"({"space":"s","plan":"free"})");
  script.now += days(45);
  make("CreateSpace", R"({"space":"t","name":"T","plan":"basic"})");
  make("ConfirmPayment",
       R"({"checkout":")" + script.space("t").subscription.pending->checkout.str() + "\"}",
       "service:admin");
  EXPECT_EQ(script.space("s").subscription.status, SubscriptionStatus::kFree);
  make("ChangeBillingMode", R"({"billing_mode":"consolidated"})");
  const Time change = script.space("t").subscription.period_to;
  script.now = change + hours(2);
  make("RenameSpace", R"({"space":"t","name":"U"})");
  EXPECT_TRUE(script.space("t").subscription.consolidated);
  EXPECT_EQ(script.space("t").subscription.period_to, period_end(first, 1, change));
}

TEST_F(BillingScript, ATopUpOfAnInvoicingOrganizationIsOnItsAccount) {
  subscribe("consolidated");
  make("TopUpCredits", R"({"space":"s","grant":"g","amount_minor":1000})");
  const auto* issued = script.last_event<schema::InvoiceIssued>();
  ASSERT_NE(issued, nullptr);
  EXPECT_EQ(issued->space(), nullptr);
  EXPECT_EQ(issued->lines()->Get(0)->space()->str(), "s");
  EXPECT_EQ(from_micros(issued->due()), script.now + days(30));
}

// A plan that is left in the instant in which it was taken leaves a period without time, as when
// the clock of a sandbox stands still.
TEST_F(BillingScript, UsageBelongsToThePeriodThatTakesTime) {
  subscribe();
  const std::string use = R"({"space":"s","entries":[{"source":"g","id":"1",)"
                          R"("meter":"api_requests","quantity":75000}]})";
  make("RecordUsage", use, "service:admin");
  make("UpgradePlan", R"({"space":"s","plan":"basic-yearly","confirm":true})");
  make("RecordUsage", std::string(use).replace(use.find("\"1\""), 3, "\"2\""), "service:admin");
  script.now += hours(2);
  make("RenameSpace", R"({"space":"s","name":"T"})");
  EXPECT_EQ(script.last_event<schema::InvoiceIssued>(), nullptr) << "its period is not over";
  script.now = script.space("s").subscription.period_to + hours(2);
  make("RenameSpace", R"({"space":"s","name":"U"})");
  const auto* issued = script.last_event<schema::InvoiceIssued>();
  ASSERT_NE(issued, nullptr);
  EXPECT_EQ(issued->total_minor(), 20'000 + 2'500) << "150,000 of which 100,000 are included";
}

TEST_F(BillingScript, AUsageIdCountsOnceWhateverTimeItIsSentWith) {
  subscribe();
  const auto use = [](const char* time) {
    return R"({"space":"s","entries":[{"source":"g","id":"1","meter":"api_requests",)"
           R"("quantity":5,"time":")" +
           std::string(time) + "\"}]}";
  };
  make("RecordUsage", use("2026-09-21T10:00:00Z"), "service:admin");
  script.now += days(15);
  EXPECT_EQ(script.send("service:admin", "RecordUsage", use("2026-10-02T10:00:00Z")),
            "nothing_to_do");
}

TEST_F(BillingScript, ABatchComesToWhatItsEntriesWouldOneAfterTheOther) {
  subscribe();
  make("UpgradePlan", R"({"space":"s","plan":"free"})");
  const Time end = script.space("s").subscription.period_to;
  script.now = end + days(1);
  const std::string late = R"({"source":"g","id":"1","meter":"api_requests","quantity":2000,)"
                           R"("time":")" +
                           format_time(to_micros(end - hours(1))) + "\"}";
  const std::string now = R"({"source":"g","id":"2","meter":"api_requests","quantity":500})";
  EXPECT_EQ(script.send("service:admin", "RecordUsage",
                        R"({"space":"s","entries":[)" + late + "," + now + "]}"),
            "limit_exceeded")
      << "2,500 of the month's 1,000, of which the basic plan allowed 2,000";
  make("RecordUsage", R"({"space":"s","entries":[)" + now + "," + late + "]}", "service:admin");
}

// Each plan has a limit of its own, the month one counter.
TEST_F(BillingScript, AThresholdIsToldOnceAMonthAlsoIfABatchIsOfTwoPlans) {
  subscribe();
  make("UpgradePlan", R"({"space":"s","plan":"free"})");
  const Time end = script.space("s").subscription.period_to;
  script.now = end + hours(1) / 2;
  make("RecordUsage",
       R"({"space":"s","entries":[)"
       R"({"source":"g","id":"1","meter":"api_requests","quantity":850},)"
       R"({"source":"g","id":"2","meter":"api_requests","quantity":84000,"time":")" +
           format_time(to_micros(end - hours(1))) + "\"}]}",
       "service:admin");
  EXPECT_THAT(script.events(), ElementsAre("UsageRecorded", "UsageThresholdReached"));
  const auto* told = script.last().events()->Get(1)->event_as_UsageThresholdReached();
  EXPECT_EQ(told->percent(), 80);
  EXPECT_EQ(told->limit(), 1000u);
}

TEST_F(BillingScript, OneSpaceThatIsSuspendedKeepsNoOtherFromAPaidPlan) {
  subscribe();
  live_through(days(20));
  make("CreateSpace", R"({"space":"t","name":"T","plan":"basic"})");
  make("ConfirmPayment",
       R"({"checkout":")" + script.space("t").subscription.pending->checkout.str() + "\"}",
       "service:admin");
  live_through(days(46));  // s is suspended, t past due
  EXPECT_EQ(script.send("user:ada", "UpgradePlan", R"({"space":"s","plan":"pro","confirm":true})"),
            "suspended");
  EXPECT_EQ(script.last_event<schema::SubscriptionPastDue>()->space()->str(), "t");
  make("UpgradePlan", R"({"space":"t","plan":"pro","confirm":true})");
}

TEST_F(BillingScript, PlansAndPeriodsThatNothingCanComeForAreForgotten) {
  subscribe();
  for (int i = 0; i < 24; ++i) {
    script.now = script.space("s").subscription.period_to + hours(2);
    make("RenameSpace", R"({"space":"s","name":"S)" + std::to_string(i) + "\"}");
    for (const auto& [id, invoice] : script.organization().invoices) {
      if (invoice.left() == 0) continue;
      make("RecordPayment",
           R"({"invoice":")" + id.str() + R"(","reference":"r","amount_minor":2000})",
           "service:admin");
    }
  }
  EXPECT_EQ(script.organization().invoices.size(), 24u);
  EXPECT_LE(script.space("s").periods.size(), 5u);
  EXPECT_EQ(script.space("s").stretches.size(), 1u);
}

TEST_F(BillingScript, AfterALongStopAllMissedPeriodsCloseInOrder) {
  subscribe();
  const Time begin = script.space("s").subscription.period_from;
  script.now += days(200);
  EXPECT_EQ(script.send("user:ada", "RenameSpace", R"({"space":"s","name":"T"})"), "accepted");
  Time from = begin;
  std::vector<uint64_t> numbers;
  for (const std::vector<uint8_t>& bytes : script.machine().history()) {
    if (decision_of(bytes).outcome() != schema::Outcome::accepted) continue;
    for (const schema::EventBox* box : *decision_of(bytes).events()) {
      if (const auto* closed = box->event_as_BillingPeriodClosed()) {
        EXPECT_EQ(from_micros(closed->from()), from);
        from = from_micros(closed->to());
        EXPECT_EQ(from, period_end(begin, 1, from - Duration(1)));
      }
      if (const auto* issued = box->event_as_InvoiceIssued()) numbers.push_back(issued->number());
    }
  }
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 4, 5, 6));
}

}  // namespace
}  // namespace tenure
