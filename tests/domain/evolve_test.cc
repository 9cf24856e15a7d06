// evolve: each event changes what it should; none is without effect, none is refused.
#include <gmock/gmock.h>

#include <set>

#include "engine/domain/calendar.h"
#include "tests/domain/random_commands.h"
#include "tests/domain/script.h"

namespace tenure {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The state after the first `count` events of a decision.
Organization after_events(Organization organization, std::vector<uint8_t> decision,
                          uint32_t count) {
  const auto* events = decision_of(decision).events();
  auto* length = const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(events));
  flatbuffers::WriteScalar<flatbuffers::uoffset_t>(length, count);
  evolve(organization, decision_of(decision), {}, test_rulebooks());
  return organization;
}

TEST(Evolve, EveryKindOfEventHasAnEffectOfItsOwn) {
  RandomCommands commands(3);
  DomainMachine machine;
  std::set<schema::Event> effective;
  std::map<std::string, Organization, std::less<>> organizations;
  const auto follow = [&](const std::vector<uint8_t>& bytes) {
    const schema::Decision& decision = decision_of(bytes);
    if (decision.outcome() != schema::Outcome::accepted) return;
    Organization& organization = organizations[decision.command_nested_root()->org()->str()];
    for (uint32_t i = 0; i < decision.events()->size(); ++i) {
      const schema::Event type = decision.events()->Get(i)->event_type();
      if (effective.contains(type)) continue;
      const Organization before = after_events(organization, bytes, i);
      if (!(after_events(organization, bytes, i + 1) == before)) effective.insert(type);
    }
    evolve(organization, decision, {}, test_rulebooks());
  };
  size_t followed = 0;
  const Time start = from_micros(1'790'000'000'000'000);
  constexpr int kCommands = 40'000;
  for (int i = 0; i < kCommands; ++i) {
    const Time now = start + std::chrono::minutes(20 * i);
    machine.apply(commands.next(now), now);
    for (; followed < machine.history().size(); ++followed) follow(machine.history()[followed]);
  }
  // What is billed now, nobody pays.
  for (const int days_later : {40, 130}) {
    machine.do_all_due(start + std::chrono::minutes(20 * kCommands) +
                       std::chrono::days(days_later));
    for (; followed < machine.history().size(); ++followed) follow(machine.history()[followed]);
  }
  for (const schema::Event type : schema::EnumValuesEvent()) {
    // Names and e-mails are for display; the read models have them. What the payment service is to
    // do, and that it failed, is for others too. Clocks are moved in sandboxes alone, and nothing
    // is charged for minutes alone (billing_test.cc). That somebody is out says what comes after
    // SubjectErased.
    if (type == schema::Event::NONE || type == schema::Event::MemberUpdated ||
        type == schema::Event::PaymentWanted || type == schema::Event::InvoicePaymentFailed ||
        type == schema::Event::ClockAdvanced || type == schema::Event::NothingCharged ||
        type == schema::Event::SubjectErased) {
      continue;
    }
    EXPECT_TRUE(effective.contains(type)) << schema::EnumNameEvent(type);
  }
}

class EvolveScript : public testing::Test {
 protected:
  void make(const char* type, const std::string& command, const char* actor = "user:ada") {
    ASSERT_EQ(script.send(actor, type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }
  Script script;
};

TEST_F(EvolveScript, CreatingAnOrganizationPinsItsRulebookAndMakesTheOwner) {
  make("CreateOrganization", R"({"name":"Acme","rulebook":"space","billing_mode":"consolidated"})");
  const Organization& acme = script.organization();
  EXPECT_EQ(acme.name, "Acme");
  EXPECT_EQ(acme.rulebook->pinned_name, "space@1");
  EXPECT_EQ(acme.billing_mode, "consolidated");
  EXPECT_EQ(acme.currency, "EUR");
  EXPECT_EQ(acme.version, 1u);
  EXPECT_EQ(acme.owners, 1u);
  EXPECT_EQ(acme.members.at(UserId("ada")).role, acme.rulebook->owner_role);
}

TEST_F(EvolveScript, RejectionsRaiseNoVersion) {
  make("CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  EXPECT_EQ(script.send("user:ada", "RemoveMember", R"({"user":"x"})"), "not_found");
  EXPECT_EQ(script.organization().version, 1u);
  EXPECT_EQ(script.last().version(), 1u);
}

TEST_F(EvolveScript, RemovingAMemberLeavesNoTraceInAnyIndex) {
  make("CreateOrganization", R"({"name":"Acme","rulebook":"anaphora"})");
  make("AddMember", R"({"user":"ben","role":"SYSTEM_ADMIN"})");
  for (const char* space : {"z", "a", "m"}) {
    make("CreateSpace", R"({"space":")" + std::string(space) + R"(","name":"S"})");
    make("GrantAccess",
         R"({"space":")" + std::string(space) + R"(","subject":"user:ben","roles":["Admin"]})");
    make("CreateGroup", R"({"group":")" + std::string(space) + R"(","name":"G"})");
    make("AddToGroup", R"({"group":")" + std::string(space) + R"(","user":"ben"})");
  }
  EXPECT_EQ(script.organization().owners, 2u);
  make("RemoveMember", R"({"user":"ben"})");
  std::vector<std::string> spaces, groups;
  for (const schema::EventBox* box : *script.last().events()) {
    if (const auto* revoked = box->event_as_AccessRevoked())
      spaces.push_back(revoked->space()->str());
    if (const auto* left = box->event_as_GroupLeft()) groups.push_back(left->group()->str());
  }
  EXPECT_THAT(spaces, ElementsAre("a", "m", "z"));
  EXPECT_THAT(groups, ElementsAre("a", "m", "z"));
  const Organization& acme = script.organization();
  EXPECT_EQ(acme.owners, 1u);
  EXPECT_TRUE(acme.spaces_of.empty() && acme.groups_of.empty());
  for (const auto& [id, space] : acme.spaces) EXPECT_TRUE(space.access.empty());
  for (const auto& [id, group] : acme.groups) EXPECT_TRUE(group.users.empty());
}

TEST_F(EvolveScript, ACheckoutIsDueInADayAndThenReturnsTheSpaceToItsPlan) {
  make("CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  make("CreateSpace", R"({"space":"s","name":"S","plan":"free"})");
  make("UpgradePlan", R"({"space":"s","plan":"basic"})");
  const Subscription& subscription = script.space("s").subscription;
  ASSERT_TRUE(subscription.pending.has_value());
  EXPECT_EQ(subscription.status, SubscriptionStatus::kPendingPayment);
  EXPECT_EQ(subscription.terms.name(), "free");
  EXPECT_EQ(subscription.pending->terms.name(), "basic");
  EXPECT_EQ(subscription.pending->expires, script.now + std::chrono::hours(24));
  const std::string checkout = subscription.pending->checkout.str();
  ASSERT_EQ(script.organization().due.size(), 1u);
  EXPECT_EQ(script.organization().due.begin()->id, checkout);

  script.now += std::chrono::hours(24);
  const std::string confirm = R"({"checkout":")" + checkout + R"("})";
  EXPECT_EQ(script.send("service:admin", "ConfirmPayment", confirm), "not_found");
  EXPECT_EQ(subscription.status, SubscriptionStatus::kFree);
  EXPECT_FALSE(subscription.pending.has_value());
  EXPECT_TRUE(script.organization().due.empty() && script.organization().checkouts.empty());
  EXPECT_EQ(script.send("user:ada", "UpgradePlan", R"({"space":"s","plan":"basic"})"), "accepted");
}

TEST_F(EvolveScript, AConfirmedPaymentStartsTheSubscriptionAndItsPeriod) {
  make("CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  make("CreateSpace", R"({"space":"s","name":"S","plan":"free"})");
  make("UpgradePlan", R"({"space":"s","plan":"basic-yearly"})");
  script.now += std::chrono::hours(23);
  const Subscription& subscription = script.space("s").subscription;
  make("ConfirmPayment", R"({"checkout":")" + subscription.pending->checkout.str() + R"("})",
       "service:admin");
  EXPECT_EQ(subscription.status, SubscriptionStatus::kActive);
  EXPECT_EQ(subscription.terms.name(), "basic-yearly");
  EXPECT_EQ(subscription.period_from, script.now);
  EXPECT_EQ(subscription.period_to - subscription.period_from, std::chrono::hours(24 * 365));
  EXPECT_TRUE(script.organization().checkouts.empty());
  ASSERT_EQ(script.organization().due.size(), 1u);
  EXPECT_EQ(script.organization().due.begin()->kind, DueKind::kCloseBillingPeriod);
  EXPECT_EQ(script.organization().due.begin()->at, subscription.period_to);
}

TEST_F(EvolveScript, SpacesOfAConsolidatedOrganizationShareTheFirstAnchor) {
  make("CreateOrganization", R"({"name":"A","rulebook":"space","billing_mode":"consolidated"})");
  make("CreateSpace", R"({"space":"s","name":"S","plan":"basic"})");
  const Time first_end = script.space("s").subscription.period_to;
  script.now += std::chrono::hours(24 * 10);
  make("CreateSpace", R"({"space":"t","name":"T","plan":"pro"})");
  EXPECT_EQ(script.space("t").subscription.period_from, script.now);
  EXPECT_EQ(script.space("t").subscription.period_to, first_end);
}

// One entry of the counter, `time` as RFC 3339 or empty for now.
std::string usage(const std::string& id, int quantity, const std::string& time = {}) {
  return R"({"space":"s","entries":[{"source":"gw","id":")" + id +
         R"(","meter":"api_requests","quantity":)" + std::to_string(quantity) +
         (time.empty() ? "" : R"(,"time":")" + time + "\"") + "}]}";
}

class UsageScript : public EvolveScript {
 protected:
  void SetUp() override {
    make("CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
    make("CreateSpace", R"({"space":"s","name":"S","plan":"free"})");
  }
  std::string record(const std::string& command) {
    return script.send("service:admin", "RecordUsage", command);
  }
  uint64_t used(const char* month) const {
    const auto& counters = script.space("s").counters;
    const auto counter = counters.find({parse_month(month), "api_requests"});
    return counter == counters.end() ? 0 : counter->second.used;
  }
};

TEST_F(UsageScript, CountsInTheMonthOfItsTime) {
  EXPECT_EQ(record(usage("a", 900)), "accepted");
  EXPECT_EQ(record(usage("b", 500, "2026-08-31T23:59:59Z")), "accepted");
  EXPECT_EQ(used("2026-09"), 900u);
  EXPECT_EQ(used("2026-08"), 500u);
  EXPECT_EQ(record(usage("c", 101)), "limit_exceeded");
  EXPECT_EQ(record(usage("c", 501, "2026-08-01T00:00:00Z")), "limit_exceeded");
  script.now += std::chrono::hours(24 * 30);
  EXPECT_EQ(record(usage("c", 1000)), "accepted");
  EXPECT_EQ(used("2026-10"), 1000u);
}

TEST_F(UsageScript, RemembersAnIdUntilTwoMoreMonthsAreClosed) {
  EXPECT_EQ(record(usage("a", 1)), "accepted");
  const std::string again = usage("a", 1, "2026-09-21T14:13:20Z");
  script.now = from_micros(parse_time("2026-12-01T00:30:00Z").value());
  EXPECT_EQ(record(again), "nothing_to_do");  // November is open for an hour yet
  script.now += std::chrono::hours(1);
  EXPECT_EQ(record(again), "accepted");  // recorded, too old to count
  EXPECT_EQ(script.last().events()->Get(0)->event_as_UsageRecorded()->counted(), 0u);
  EXPECT_EQ(used("2026-09"), 1u);
  EXPECT_THAT(script.space("s").usage_seen, IsEmpty());
}

TEST_F(UsageScript, TellsAThresholdOncePerMonth) {
  EXPECT_EQ(record(usage("a", 799)), "accepted");
  EXPECT_THAT(script.events(), ElementsAre("UsageRecorded"));
  EXPECT_EQ(record(usage("b", 1)), "accepted");
  EXPECT_THAT(script.events(), ElementsAre("UsageRecorded", "UsageThresholdReached"));
  EXPECT_EQ(record(usage("c", 199)), "accepted");
  EXPECT_THAT(script.events(), ElementsAre("UsageRecorded"));
  EXPECT_EQ(record(usage("d", 1)), "accepted");
  EXPECT_THAT(script.events(), ElementsAre("UsageRecorded", "UsageThresholdReached"));
  script.now += std::chrono::hours(24 * 30);
  EXPECT_EQ(record(usage("e", 1000)), "accepted");
  EXPECT_THAT(script.events(),
              ElementsAre("UsageRecorded", "UsageThresholdReached", "UsageThresholdReached"));
}

TEST_F(UsageScript, OfAGaugeIsToldOnceAMonthHoweverOftenItCrosses) {
  const auto create = [&](int i) {
    make("CreateResource",
         R"({"space":"s","type":"service","resource":"r)" + std::to_string(i) + R"("})");
    return script.events().size();
  };
  for (int i = 0; i < 79; ++i) EXPECT_EQ(create(i), 1u);
  EXPECT_EQ(create(79), 2u);
  make("DeleteResource", R"({"space":"s","resource":"r79"})");
  EXPECT_EQ(create(79), 1u);
  make("DeleteResource", R"({"space":"s","resource":"r79"})");
  script.now += std::chrono::hours(24 * 30);
  EXPECT_EQ(create(79), 2u);
}

TEST_F(UsageScript, OfASoftLimitIsCountedBeyondIt) {
  make("UpgradePlan", R"({"space":"s","plan":"basic"})");
  make("ConfirmPayment",
       R"({"checkout":")" + script.space("s").subscription.pending->checkout.str() + R"("})",
       "service:admin");
  EXPECT_EQ(record(usage("a", 150'000)), "accepted");
  EXPECT_THAT(script.events(),
              ElementsAre("UsageRecorded", "UsageThresholdReached", "UsageThresholdReached"));
  EXPECT_EQ(used("2026-09"), 150'000u);
}

TEST_F(UsageScript, TakesFiveThousandEntriesAndNoMore) {
  const auto batch = [](int size) {
    std::string entries;
    for (int i = 0; i < size; ++i) {
      entries += entries.empty() ? "" : ",";
      entries += R"({"source":"gw","meter":"api_requests","quantity":0,"id":")";
      entries += std::to_string(i) + "\"}";
    }
    return R"({"space":"s","entries":[)" + entries + "]}";
  };
  EXPECT_EQ(record(batch(5001)), "invalid_value");
  EXPECT_EQ(record(batch(5000)), "accepted");
  EXPECT_EQ(record(batch(5000)), "nothing_to_do");
}

}  // namespace
}  // namespace tenure
