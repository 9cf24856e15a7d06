// What services may do: decided in the partition of `_tenure`, and counting in all.
#include <gtest/gtest.h>

#include "engine/partition/vouched_command.h"
#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

constexpr std::string_view kTenure = "_tenure";

CommandBytes create_key(std::string_view id, uint8_t secret) {
  KeyHash hash;
  hash.fill(secret);
  return vouch_for(command(json(id, kTenure, "service:admin", "CreateApiKey",
                                R"("key":"k1","service":"meter")")),
                   {.sign_in = {}, .key_hash = hash});
}

std::string grant(std::string_view id, std::string_view org) {
  return json(id, kTenure, "service:admin", "GrantServiceActions",
              R"("service":"meter","actions":["usage.record"],"org":")" + std::string(org) + '"');
}

std::string record(std::string_view id) {
  return json(id, "acme", "service:meter", "RecordUsage",
              R"("space":"s","entries":[{"source":"x","id":")" + std::string(id) +
                  R"(","meter":"api_requests","quantity":1}])");
}

class ServicesInAPartition : public testing::Test {
 protected:
  void SetUp() override {
    h.open();
    ASSERT_TRUE(h.ask(create("c1", "acme")).accepted());
    ASSERT_TRUE(h.ask(json("c2", "acme", "user:olga", "CreateSpace", R"("space":"s","name":"S")"))
                    .accepted());
  }

  MemoryStateStore store;
  Harness h{store};
};

TEST_F(ServicesInAPartition, AGrantCountsFromTheNextDecisionOn) {
  const size_t before = h.send(record("r1"));
  const size_t granted = h.send(grant("g1", "acme"));
  const size_t after = h.send(record("r2"));
  h.settle();
  EXPECT_EQ(h.answer(before).code(), schema::RejectionCode::not_a_member);
  EXPECT_TRUE(h.answer(granted).accepted());
  EXPECT_TRUE(h.answer(after).accepted());
}

TEST_F(ServicesInAPartition, AreToldOnceTheChangeIsDurableAndBeforeItIsAnswered) {
  size_t index = 0;
  bool answered_before = false;
  h.on_told = [&] { answered_before = h.answer(index).there(); };
  index = h.send(create_key("k1", 1));
  while (h.step()) {
  }
  EXPECT_TRUE(h.told_services.empty()) << "nothing is durable yet";
  h.settle();
  ASSERT_EQ(h.told_services.size(), 1u);
  EXPECT_FALSE(answered_before);
  EXPECT_TRUE(h.answer(index).accepted());
  EXPECT_EQ(h.told_services.back()->keys.at("k1").hash[0], 1);
}

TEST_F(ServicesInAPartition, OtherDecisionsTellNothing) {
  ASSERT_TRUE(h.ask(add("a1", "acme", "bob")).accepted());
  EXPECT_TRUE(h.told_services.empty());
}

TEST_F(ServicesInAPartition, AreTheSameAfterAReplayAndFromTheStore) {
  h.send(create_key("k1", 1));
  ASSERT_TRUE(h.ask(grant("g1", "acme")).accepted());
  const Services live = *h.told_services.back();
  for (const bool stored : {false, true}) {
    if (stored) h.checkpoint();
    h.told_services.clear();
    h.open();
    ASSERT_EQ(h.told_services.size(), 1u) << "when it opens, before anything is asked";
    EXPECT_EQ(*h.told_services.back(), live);
    EXPECT_TRUE(h.ask(record(stored ? "r2" : "r1")).accepted());
  }
}

TEST_F(ServicesInAPartition, AFollowerTellsWhatItReads) {
  MemoryStateStore others;
  Harness follower{others};
  follower.share_log_of(h);
  follower.follow();
  EXPECT_TRUE(follower.told_services.empty());
  ASSERT_TRUE(h.ask(grant("g1", "acme")).accepted());
  follower.settle();
  ASSERT_EQ(follower.told_services.size(), 1u);
  EXPECT_EQ(*follower.told_services.back(), *h.told_services.back());
}

TEST_F(ServicesInAPartition, ThatAreManagedElsewhereCountAsTold) {
  EXPECT_EQ(h.ask(record("r1")).code(), schema::RejectionCode::not_a_member);
  auto services = std::make_shared<Services>();
  services->granted["meter"].grants[{"acme", ""}].actions = {"usage.record"};
  h.services_elsewhere = services;
  EXPECT_TRUE(h.ask(record("r2")).accepted());
}

TEST_F(ServicesInAPartition, ARetryOfCreateApiKeyGetsTheDecisionThoughItsSecretIsAnother) {
  const size_t first = h.send(create_key("k1", 1));
  h.settle();
  const size_t again = h.send(create_key("k1", 2));
  h.settle();
  EXPECT_EQ(h.answer(again).kind, Answer::Kind::kDuplicate);
  EXPECT_EQ(h.answer(again).number, h.answer(first).number);
  EXPECT_EQ(h.told_services.back()->keys.at("k1").hash[0], 1) << "the first one holds";
}

}  // namespace
}  // namespace tenure::test
