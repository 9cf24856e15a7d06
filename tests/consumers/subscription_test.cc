// A subscriber sees each decision once, in order, from wherever it begins.
#include "consumers/subscription.h"

#include <gmock/gmock.h>

#include "tests/projections/world.h"

namespace tenure::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SubscriptionTest : public testing::Test {
 protected:
  SubscriptionTest() {
    send("acme", "user:ann", "CreateOrganization", R"({"name":"Acme","rulebook":"anaphora"})");
    send("acme", "user:ann", "CreateSpace", R"({"space":"web","name":"Web"})");
    send("beta", "user:bob", "CreateOrganization", R"({"name":"Beta","rulebook":"space"})");
    send("acme", "user:ann", "AddMember", R"({"user":"cy","role":"USER"})");
    send("acme", "user:cy", "AddMember", R"({"user":"di","role":"USER"})");  // 4: refused
    send("acme", "user:ann", "GrantAccess",
         R"({"space":"web","subject":"user:cy","roles":["Readonly"]})");
  }

  // An hour passes before each.
  void send(const std::string& org, const std::string& actor, const std::string& type,
            const std::string& command) {
    world_.now += std::chrono::hours(1);
    world_.send(org, actor, type, command);
  }

  std::unique_ptr<LogSubscription> open(uint64_t from, SubscriptionFilter filter = {}) {
    return LogSubscription::open(world_.log(), kPartition, Number{from}, std::move(filter)).value();
  }

  static std::vector<uint64_t> rest_of(LogSubscription& subscription) {
    std::vector<uint64_t> numbers;
    while (const auto delivery = subscription.next().value()) {
      numbers.push_back(delivery->position.number.value);
    }
    return numbers;
  }
  std::vector<uint64_t> numbers(uint64_t from, SubscriptionFilter filter = {}) {
    return rest_of(*open(from, std::move(filter)));
  }

  World world_;
};

TEST_F(SubscriptionTest, DeliversEveryDecisionInOrderRejectedOnesToo) {
  EXPECT_THAT(numbers(0), ElementsAre(0, 1, 2, 3, 4, 5));
  const auto subscription = open(4);
  const auto delivery = subscription->next().value();
  EXPECT_EQ(delivery->decision->outcome(), schema::Outcome::rejected);
  EXPECT_EQ(delivery->decision->command_nested_root()->actor()->str(), "user:cy");
}

TEST_F(SubscriptionTest, GoesOnWhereTheStoredNumberSays) {
  for (uint64_t stop = 0; stop <= 6; ++stop) {
    std::vector<uint64_t> seen;
    auto first = open(0);
    while (seen.size() < stop) seen.push_back(first->next().value()->position.number.value);
    const auto again = open(first->next_number().value);
    for (const uint64_t number : rest_of(*again)) seen.push_back(number);
    EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5)) << "stopped after " << stop;
  }
}

TEST_F(SubscriptionTest, GoesOnAsTheLogGrows) {
  const auto live = open(number_at_end(world_.log(), kPartition).value().value);
  EXPECT_FALSE(live->next().value());
  send("acme", "user:ann", "RenameSpace", R"({"space":"web","name":"World"})");
  EXPECT_THAT(rest_of(*live), ElementsAre(6));
  send("beta", "user:bob", "CreateSpace", R"({"space":"web","name":"Web"})");
  EXPECT_THAT(rest_of(*live), ElementsAre(7));
}

TEST_F(SubscriptionTest, BeginsOnAnEmptyLog) {
  MemoryLog empty;
  EXPECT_EQ(number_at_end(empty, kPartition).value(), Number{0});
  EXPECT_FALSE(LogSubscription::open(empty, kPartition, Number{0}).value()->next().value());
}

TEST_F(SubscriptionTest, FiltersByOrganizationEntityAndKindOfEvent) {
  EXPECT_THAT(numbers(0, {.org = "acme", .entity = {}, .events = {}}), ElementsAre(0, 1, 3, 4, 5));
  EXPECT_THAT(numbers(0, {.org = "acme", .entity = "space:web", .events = {}}), ElementsAre(1, 5));
  EXPECT_THAT(numbers(0, {.org = {}, .entity = "user:cy", .events = {}}), ElementsAre(3, 4, 5));
  EXPECT_THAT(numbers(0, {.org = {}, .entity = {}, .events = {schema::Event::MemberAdded}}),
              ElementsAre(0, 2, 3));
  EXPECT_THAT(numbers(0, {.org = "beta", .entity = "space:web", .events = {}}), IsEmpty());
}

TEST_F(SubscriptionTest, WhatAFilterPassedOverIsNotAskedForAgain) {
  const auto subscription = open(0, {.org = "beta", .entity = {}, .events = {}});
  EXPECT_THAT(rest_of(*subscription), ElementsAre(2));
  EXPECT_EQ(subscription->next_number(), Number{6});
}

TEST_F(SubscriptionTest, FindsTheFirstDecisionAtATime) {
  const auto at = [&](Time time) {
    return number_at(world_.log(), kPartition, time).value().value;
  };
  EXPECT_EQ(at(kStart), 0u);
  for (uint64_t number = 0; number < 6; ++number) {
    const Time decided = kStart + std::chrono::hours(number + 1);
    EXPECT_EQ(at(decided), number);
    EXPECT_EQ(at(decided + Duration(1)), number + 1);
  }
}

// A log whose decision 3 was written by a newer build.
class NewerLog final : public DecisionLog {
 public:
  explicit NewerLog(DecisionLog& log) : log_(log) {}
  Result<Session> open_writer(PartitionId id, const Writer& writer) override {
    return log_.open_writer(id, writer);
  }
  void append(PartitionId id, Batch batch, Done done) override {
    log_.append(id, std::move(batch), std::move(done));
  }
  Result<std::unique_ptr<RecordCursor>> read(PartitionId id, Offset from) override {
    return std::make_unique<Cursor>(log_.read(id, from).value());
  }
  Result<Offset> find(PartitionId id, Number number) override { return log_.find(id, number); }
  Offset durable_end(PartitionId id) const override { return log_.durable_end(id); }

 private:
  class Cursor final : public RecordCursor {
   public:
    explicit Cursor(std::unique_ptr<RecordCursor> cursor) : cursor_(std::move(cursor)) {}
    Result<std::optional<RawRecord>> next() override {
      auto record = TRY(cursor_->next());
      if (record && record->prefix.number == Number{3}) {
        record->prefix.min_reader = kReaderVersion + 1;
        record->status = RecordStatus::kNewerReader;
      }
      return record;
    }

   private:
    std::unique_ptr<RecordCursor> cursor_;
  };
  DecisionLog& log_;
};

TEST_F(SubscriptionTest, StopsAtWhatItDoesNotUnderstand) {
  NewerLog newer(world_.log());
  const auto subscription = LogSubscription::open(newer, kPartition, Number{0}).value();
  for (int before = 0; before < 3; ++before) EXPECT_TRUE(subscription->next().value());
  const auto stopped = subscription->next();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(subscription->next_number(), Number{3});
}

TEST_F(SubscriptionTest, ANumberBeyondTheLogIsRefused) {
  EXPECT_THAT(numbers(6), IsEmpty()) << "the next one";
  const auto beyond = LogSubscription::open(world_.log(), kPartition, Number{7});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace tenure::test
