#include "engine/partition/same_request.h"

#include <gtest/gtest.h>

#include "engine/partition/vouched_command.h"
#include "tests/partition/harness.h"

namespace tenure::test {
namespace {

bool same(std::string_view a, std::string_view b) {
  return same_request(command(a).get(), command(b).get());
}

std::string usage(std::string_view entries) {
  return json("u1", "acme", "service:meter", "RecordUsage",
              R"("space":"s","entries":[)" + std::string(entries) + "]");
}

constexpr std::string_view kEntry =
    R"({"source":"gw","id":"1","meter":"api_requests","quantity":5,"time":"2026-11-23T10:00:00Z"})";

TEST(SameRequest, IgnoresTheOrderOfKeys) {
  EXPECT_TRUE(same(
      R"({"id":"1","org":"acme","actor":"user:a","command_type":"AddMember",
          "command":{"user":"bob","role":"ADMIN"}})",
      R"({"command":{"role":"ADMIN","user":"bob"},"command_type":"AddMember",
          "actor":"user:a","org":"acme","id":"1"})"));
}

TEST(SameRequest, SeesEveryKindOfFieldChange) {
  const auto upgrade = [](std::string_view what, std::string_view more = "") {
    return json("1", "acme", "user:a", "UpgradePlan", what, more);
  };
  const std::string base = upgrade(R"("space":"s","plan":"pro","confirm":true)");
  EXPECT_TRUE(same(base, base));
  EXPECT_FALSE(same(base, upgrade(R"("space":"s","plan":"basic","confirm":true)"))) << "string";
  EXPECT_FALSE(same(base, upgrade(R"("space":"s","plan":"pro","confirm":false)"))) << "bool";
  EXPECT_FALSE(same(base, upgrade(R"("space":"s","plan":"pro")"))) << "bool left out";
  EXPECT_FALSE(
      same(base, upgrade(R"("space":"s","plan":"pro","confirm":true)", R"(,"expected_version":0)")))
      << "absent is not 0";
  EXPECT_FALSE(
      same(base, upgrade(R"("space":"s","plan":"pro","confirm":true)", R"(,"reason":"because")")))
      << "a table that is not there";
  EXPECT_FALSE(same(json("1", "acme", "user:a", "CreateGroup", R"("group":"g","name":"n")"),
                    json("1", "acme", "user:a", "CreateSpace", R"("space":"g","name":"n")")))
      << "another command with the same values";
}

TEST(SameRequest, ComparesVectorsByLengthAndElement) {
  const auto grant = [](std::string_view roles) {
    return json("1", "acme", "user:a", "GrantAccess",
                R"("space":"s","subject":"user:b","roles":[)" + std::string(roles) + "]");
  };
  EXPECT_TRUE(same(grant(R"("Admin","Readonly")"), grant(R"("Admin","Readonly")")));
  EXPECT_FALSE(same(grant(R"("Admin")"), grant(R"("Admin","Readonly")")));
  EXPECT_FALSE(same(grant(R"("Admin")"), grant(R"("Readonly")")));
  EXPECT_TRUE(same(usage(kEntry), usage(kEntry)));
  std::string other(kEntry);
  other.replace(other.find(":5"), 2, ":6");
  EXPECT_FALSE(same(usage(kEntry), usage(other))) << "a field of a table in a vector";
  EXPECT_FALSE(same(usage(kEntry), usage(std::string(kEntry) + "," + std::string(kEntry))));
}

TEST(SameRequest, IgnoresHowTheBufferIsLaidOut) {
  // The same command built back to front, with a default written out.
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  const auto plan = builder.CreateString("pro");
  const auto space = builder.CreateString("s");
  const auto upgrade = schema::CreateUpgradePlan(builder, space, plan, false).Union();
  const auto actor = builder.CreateString("user:a");
  const auto org = builder.CreateString("acme");
  const auto id = builder.CreateString("1");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, org, actor, schema::Command::UpgradePlan,
                                             upgrade));
  const std::span<const uint8_t> bytes(builder.GetBufferPointer(), builder.GetSize());
  const auto built = verify_command(bytes);
  ASSERT_TRUE(built.has_value()) << built.error().message;
  const CommandBytes parsed =
      command(json("1", "acme", "user:a", "UpgradePlan", R"("space":"s","plan":"pro")"));
  ASSERT_FALSE(std::ranges::equal(parsed.view(), built->view()));
  EXPECT_TRUE(same_request(parsed.get(), built->get()));
}

TEST(SameRequest, IsTheSameWithAnotherSecretButNotWithAnotherSignIn) {
  const auto create = [](uint8_t secret, std::string_view sign_in) {
    KeyHash hash;
    hash.fill(secret);
    return vouch_for(command(json("1", "_tenure", "service:admin", "CreateApiKey",
                                  R"("key":"k","service":"meter")")),
                     {.sign_in = sign_in, .key_hash = hash});
  };
  EXPECT_TRUE(same_request(create(1, "").get(), create(2, "").get()));
  EXPECT_FALSE(same_request(create(1, "").get(), create(1, "https://id.example").get()));
}

TEST(SameRequest, IsTheSameWhicheverWayItCame) {
  const auto sent = [](std::string_view by) {
    return vouch_for(command(json("1", "acme", "user:a", "LeaveOrganization", "")),
                     {.sign_in = {}, .key_hash = {}, .sent_by = by});
  };
  ASSERT_EQ(sent("apply").get().sent_by()->string_view(), "apply");
  EXPECT_TRUE(same_request(sent("apply").get(), sent("http service:b").get()));
  EXPECT_TRUE(same_request(sent("").get(), sent("http service:b").get()));
}

TEST(SameKey, IsOrganizationActorAndId) {
  const auto key = [](std::string_view id, std::string_view org, std::string_view actor) {
    return command(json(id, org, actor, "LeaveOrganization", ""));
  };
  const CommandBytes base = key("1", "acme", "user:a");
  EXPECT_TRUE(same_key(base.get(), key("1", "acme", "user:a").get()));
  EXPECT_FALSE(same_key(base.get(), key("2", "acme", "user:a").get()));
  EXPECT_FALSE(same_key(base.get(), key("1", "zeta", "user:a").get()));
  EXPECT_FALSE(same_key(base.get(), key("1", "acme", "user:b").get()));
}

}  // namespace
}  // namespace tenure::test
