// What the partition gives itself to do: when, in which order, and before whom.
#include <gtest/gtest.h>

#include "engine/base/check.h"

#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// "type of command: first event, or the rejection", for a whole log.
std::vector<std::string> story(Harness& partition) {
  std::vector<std::string> lines;
  for (const std::string& bytes : partition.decisions()) {
    const auto* decision = flatbuffers::GetRoot<schema::Decision>(bytes.data());
    const auto* command = decision->command_nested_root();
    std::string line = command->id()->str() + ": ";
    if (decision->outcome() == schema::Outcome::rejected) {
      line += schema::EnumNameRejectionCode(decision->rejection()->code());
    } else {
      line += decision->events()->size() == 0
                  ? "nothing"
                  : schema::EnumNameEvent(decision->events()->Get(0)->event_type());
    }
    lines.push_back(line);
  }
  return lines;
}

class DueWork : public testing::Test {
 protected:
  DueWork() { partition.open(); }

  void make_space(const std::string& org, const std::string& space) {
    partition.ask(json("s-" + space, org, "user:olga", "CreateSpace",
                       R"("space":")" + space + R"(","name":"n","plan":"free")"));
  }
  struct Checkout {
    std::string id;
    Time expires;
  };
  Checkout upgrade(const std::string& org, const std::string& space) {
    const KeptAnswer answer = partition.ask(json("up-" + space, org, "user:olga", "UpgradePlan",
                                                 R"("space":")" + space + R"(","plan":"basic")"));
    CHECK(answer.accepted());
    const auto* event = answer.decision().events()->Get(0)->event_as_PlanChangeRequested();
    return {event->checkout()->str(), from_micros(event->expires())};
  }
  std::string confirm(const std::string& id, const std::string& checkout) {
    return json(id, "acme", "service:admin", "ConfirmPayment", R"("checkout":")" + checkout + '"');
  }
  std::vector<std::string> story_after(size_t count) {
    auto lines = story(partition);
    lines.erase(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(count));
    return lines;
  }

  MemoryStateStore store;
  Harness partition{store};
};

using Lines = std::vector<std::string>;

TEST_F(DueWork, IsToldAlsoWhenTheClockWentBackBehindTheLastDecision) {
  partition.ask(create("1", "acme"));
  partition.ask(create("1", "zeta"));
  make_space("acme", "alpha");
  const Time expires = upgrade("acme", "alpha").expires;
  partition.checkpoint();
  partition.open();  // all are cold
  partition.ask(add("2", "zeta", "bob"));
  partition.now = expires + minutes(1);
  partition.send(add("3", "zeta", "carl"));
  partition.step();  // decides this; what is due of acme waits until that is loaded
  ASSERT_EQ(partition.partition().stats().waiting, 0u);
  partition.now = expires - hours(1);
  partition.step();
  const auto told = partition.partition().next_due();
  ASSERT_TRUE(told.has_value());
  EXPECT_LE(*told, partition.now + std::chrono::milliseconds(10));
  partition.settle();
  EXPECT_NE(story(partition).back().find("PlanChangeFailed"), std::string::npos);
}

TEST_F(DueWork, IsDoneWithoutAnyCommandOnceItsTimeHasCome) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  const Checkout checkout = upgrade("acme", "alpha");
  const Time due = checkout.expires;
  ASSERT_EQ(partition.partition().next_due(), partition.now + std::chrono::seconds(10))
      << "first a checkpoint";
  partition.checkpoint();
  EXPECT_EQ(partition.partition().next_due(), due);
  EXPECT_EQ(partition.partition().stats().due_at, due);
  partition.now = due - Duration(1);
  partition.settle();
  EXPECT_EQ(story_after(3), Lines{}) << "not a microsecond early";
  partition.now = due;
  partition.settle();
  EXPECT_EQ(story_after(3),
            Lines{"system:ExpireCheckout:alpha:" + checkout.id + ": PlanChangeFailed"});
  partition.checkpoint();
  EXPECT_EQ(partition.partition().next_due(), std::nullopt);
  EXPECT_EQ(partition.partition().stats().due_at, std::nullopt);
}

TEST_F(DueWork, ComesBeforeACommandOfItsOrganizationAtThatTime) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  const Checkout checkout = upgrade("acme", "alpha");
  partition.now = checkout.expires;
  partition.send(confirm("pay", checkout.id));
  partition.settle();
  EXPECT_EQ(story_after(3),
            (Lines{"system:ExpireCheckout:alpha:" + checkout.id + ": PlanChangeFailed",
                   "pay: not_found"}));
}

TEST_F(DueWork, OfOneOrganizationIsDoneInTheOrderOfItsTimes) {
  partition.ask(create("1", "acme"));
  for (const char* space : {"alpha", "beta", "gamma"}) make_space("acme", space);
  const Checkout last = upgrade("acme", "gamma");
  partition.now += minutes(1);
  const Checkout later = upgrade("acme", "alpha");
  partition.now += minutes(1);
  const Checkout latest = upgrade("acme", "beta");
  partition.now += hours(25);
  partition.ask(add("2", "acme", "bob"));
  EXPECT_EQ(story_after(7), (Lines{"system:ExpireCheckout:gamma:" + last.id + ": PlanChangeFailed",
                                   "system:ExpireCheckout:alpha:" + later.id + ": PlanChangeFailed",
                                   "system:ExpireCheckout:beta:" + latest.id + ": PlanChangeFailed",
                                   "2: MemberAdded"}));
}

TEST_F(DueWork, OfManyOrganizationsIsDoneByTime) {
  std::vector<std::string> orgs;
  for (uint64_t i = 0; i < 200; i++) {
    orgs.push_back(numbered("org", i));
    partition.ask(create("1", orgs.back()));
    make_space(orgs.back(), "alpha");
    upgrade(orgs.back(), "alpha");
    partition.now += minutes(1);
  }
  const size_t before = partition.decisions().size();
  partition.now += hours(48);
  partition.settle();
  const auto decisions = partition.decisions();
  ASSERT_EQ(decisions.size(), before + orgs.size());
  for (size_t i = 0; i < orgs.size(); i++) {
    const auto* decision = flatbuffers::GetRoot<schema::Decision>(decisions[before + i].data());
    EXPECT_EQ(decision->command_nested_root()->org()->str(), orgs[i]);
  }
}

TEST_F(DueWork, ThatIsMootIsNotDone) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  const Checkout checkout = upgrade("acme", "alpha");
  EXPECT_TRUE(partition.ask(confirm("pay", checkout.id)).accepted());
  partition.now += hours(25);
  partition.settle();
  EXPECT_EQ(story_after(4), Lines{});
}

TEST_F(DueWork, SurvivesARestartWithAndWithoutACheckpoint) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  make_space("acme", "beta");
  upgrade("acme", "alpha");
  partition.checkpoint();
  upgrade("acme", "beta");
  partition.open();
  partition.now += hours(25);
  EXPECT_EQ(partition.partition().stats().organizations, 1u) << "the tail needed it";
  partition.settle();
  EXPECT_EQ(story_after(5).size(), 2u);
  partition.checkpoint();
  partition.open();
  partition.now += hours(25);
  partition.settle();
  EXPECT_EQ(story_after(5).size(), 2u) << "nothing is done twice";
}

TEST_F(DueWork, OfAnOrganizationThatIsNotInMemoryLoadsIt) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  upgrade("acme", "alpha");
  partition.checkpoint();
  partition.open();
  EXPECT_EQ(partition.partition().stats().organizations, 0u);
  partition.now += hours(25);
  partition.settle();
  EXPECT_EQ(story_after(3).size(), 1u);
  EXPECT_EQ(partition.partition().stats().loads, 1u);
}

TEST_F(DueWork, IsNeitherEarlyNorDoubleWhenTheClockJumps) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  const Time due = upgrade("acme", "alpha").expires;
  partition.now = due - hours(1);
  partition.settle();
  partition.now -= hours(1);
  partition.ask(add("2", "acme", "bob"));
  EXPECT_EQ(story_after(4), Lines{});
  partition.now = due + hours(1);
  partition.settle();
  partition.now = due - hours(1);
  partition.settle();
  partition.now = due + hours(1);
  partition.settle();
  EXPECT_EQ(story_after(4).size(), 1u);
}

TEST_F(DueWork, WaitsWhileTheLogRefuses) {
  partition.ask(create("1", "acme"));
  make_space("acme", "alpha");
  upgrade("acme", "alpha");
  partition.now += hours(25);
  partition.log().refuse("the disk is nearly full");
  partition.settle();
  EXPECT_EQ(story_after(3), Lines{});
  EXPECT_GT(partition.partition().next_due(), partition.now) << "no busy waiting";
  partition.log().refuse(std::nullopt);
  partition.settle();
  EXPECT_EQ(story_after(3).size(), 1u);
}

// A sandbox with a paid plan; gives the command that moves its clock half a year.
std::string buy_in_a_sandbox(Harness& partition) {
  partition.open();
  partition.ask(json("1", "acme", "user:olga", "CreateOrganization",
                     R"("name":"A","rulebook":"space","sandbox":true)"));
  partition.ask(
      json("2", "acme", "user:olga", "CreateSpace", R"("space":"s","name":"n","plan":"free")"));
  const KeptAnswer asked =
      partition.ask(json("3", "acme", "user:olga", "UpgradePlan", R"("space":"s","plan":"basic")"));
  const auto* event = asked.decision().events()->Get(0)->event_as_PlanChangeRequested();
  CHECK(partition
            .ask(json("4", "acme", "service:admin", "ConfirmPayment",
                      R"("checkout":")" + event->checkout()->str() + '"'))
            .accepted());
  return json("5", "acme", "user:olga", "AdvanceClock", R"("to":"2027-07-20T00:00:00Z")");
}

TEST(SandboxWork, GoesOnAfterACrashAsIfNothingHadHappened) {
  MemoryStateStore calm_store, store;
  Harness calm{calm_store}, partition{store, {.batch_bytes = 512}};
  const std::string advance = buy_in_a_sandbox(calm);
  ASSERT_TRUE(calm.ask(advance).accepted());
  ASSERT_GT(story(calm).size(), 15u) << "months that close, and their invoices";

  buy_in_a_sandbox(partition);
  size_t crashes = 0;
  for (;; ++crashes) {
    partition.now += hours(30);  // nothing is due by the real clock
    const size_t asked = partition.send(advance);
    for (int i = 0; i < 4; ++i) {
      partition.step();
      partition.run_job();
      partition.run_posted();
    }
    partition.log().pump();  // some of it
    partition.run_posted();
    partition.step();
    if (partition.answer(asked).there()) break;
    partition.open();
  }
  EXPECT_GT(crashes, 2u);
  EXPECT_EQ(story(partition), story(calm));
  const KeptAnswer again = partition.ask(advance);
  EXPECT_EQ(again.kind, Answer::Kind::kDuplicate);
  EXPECT_EQ(story(partition).size(), story(calm).size());
}

}  // namespace
}  // namespace tenure::test
