#include "engine/partition/command_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;
using testing::HasSubstr;
using testing::StartsWith;
using Bytes = std::vector<uint8_t>;
using StringOffset = flatbuffers::Offset<flatbuffers::String>;

Bytes from_json(std::string_view json) {
  JsonReader reader(command_schema());
  const auto bytes = reader.read(json);
  EXPECT_TRUE(bytes) << bytes.error().message;
  return {bytes->begin(), bytes->end()};
}

Bytes add_member() {
  return from_json(
      R"({"id":"c1","org":"acme","actor":"user:alice","command_type":"AddMember",
          "command":{"user":"bob","role":"MANAGER","space_roles":["A","B"],"email":"b@x.org"}})");
}

Bytes record_usage() {
  return from_json(
      R"({"id":"c2","org":"acme","actor":"service:m","command_type":"RecordUsage","command":
          {"space":"s","entries":[{"source":"m","id":"1","meter":"calls","quantity":3,
                                   "time":"2026-01-01T00:00:00Z"},
                                  {"source":"m","id":"2","meter":"calls"}]}})");
}

Bytes with_ids(std::string_view id, std::string_view org, std::string_view actor) {
  FlatBufferBuilder builder;
  const auto leave = schema::CreateLeaveOrganization(builder);
  const auto id_text = builder.CreateString(id.data(), id.size());
  const auto org_text = builder.CreateString(org.data(), org.size());
  const auto actor_text = builder.CreateString(actor.data(), actor.size());
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id_text, org_text, actor_text,
                                             schema::Command::LeaveOrganization, leave.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

// A RecordUsage whose entries all refer to one entry, and a GrantAccess whose roles are all one
// string: the bytes that verify fast and print for ever.
Bytes entries_bomb(size_t references) {
  FlatBufferBuilder builder;
  const auto text = builder.CreateString(std::string(20'000, 'x'));
  const auto entry = schema::CreateUsageEntry(builder, text, text, text, 1);
  const std::vector<flatbuffers::Offset<schema::UsageEntry>> entries(references, entry);
  const auto command = schema::CreateRecordUsageDirect(builder, "s", &entries);
  const auto id = builder.CreateString("c");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, id, builder.CreateString("user:a"),
                                             schema::Command::RecordUsage, command.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

Bytes strings_bomb(size_t references, size_t length) {
  FlatBufferBuilder builder;
  const std::vector<StringOffset> roles(references, builder.CreateString(std::string(length, 'x')));
  const auto command = schema::CreateGrantAccessDirect(builder, "s", "user:b", &roles);
  const auto id = builder.CreateString("c");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, id, builder.CreateString("user:a"),
                                             schema::Command::GrantAccess, command.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::string refusal(std::span<const uint8_t> bytes) {
  const auto command = verify_command(bytes);
  if (command) return "accepted";
  EXPECT_EQ(command.error().kind, ErrorKind::kInvalid);
  return command.error().message;
}

// Reads every byte that a consumer of the command would.
std::string json_of(const CommandBytes& command) {
  std::string out;
  write_json(command_schema(), "CommandEnvelope", &command.get(), out);
  return out;
}

TEST(CommandBytesTest, AGoodCommandIsCopiedAndAligned) {
  const Bytes bytes = add_member();
  Bytes shifted(bytes.size() + 1);
  std::ranges::copy(bytes, shifted.begin() + 1);

  const auto command = verify_command(std::span(shifted).subspan(1));

  ASSERT_TRUE(command) << command.error().message;
  EXPECT_NE(command->view().data(), shifted.data() + 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(command->view().data()) % 8, 0u);
  EXPECT_TRUE(std::ranges::equal(command->view(), bytes));
  EXPECT_EQ(command->get().command_as_AddMember()->user()->str(), "bob");
}

TEST(CommandBytesTest, WhatIsNotACommandIsMalformed) {
  EXPECT_THAT(refusal({}), StartsWith("malformed: not a CommandEnvelope"));
  const Bytes zeros(64, 0);
  EXPECT_THAT(refusal(zeros), HasSubstr("must be `TNRC`"));
  Bytes other = add_member();
  other[4] = 'X';
  EXPECT_THAT(refusal(other), HasSubstr("must be `TNRC`"));
  const std::string json = R"({"id":"c1"})";
  EXPECT_THAT(refusal(std::span(reinterpret_cast<const uint8_t*>(json.data()), json.size())),
              StartsWith("malformed"));
}

TEST(CommandBytesTest, MoreThanAMebibyteIsMalformed) {
  EXPECT_EQ(refusal(Bytes(kMaxCommandSize + 1, 0)),
            "malformed: a command of 1048577 bytes; at most 1048576 are taken");
}

TEST(CommandBytesTest, ATruncationIsMalformedUnlessOnlyPaddingIsLost) {
  for (const Bytes& bytes : {add_member(), record_usage()}) {
    const std::string whole = json_of(*verify_command(bytes));
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto command = verify_command(std::span(bytes).first(size));
      if (command) {
        EXPECT_GT(size, bytes.size() - 8);
        EXPECT_EQ(json_of(*command), whole);
      } else {
        EXPECT_THAT(command.error().message, StartsWith("malformed"));
      }
    }
  }
}

TEST(CommandBytesTest, FlippedBitsNeverReachAReader) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  size_t accepted = 0, refused = 0;
  for (const Bytes& bytes : {add_member(), record_usage(), with_ids("c", "o", "user:a")}) {
    for (int round = 0; round < 20'000; ++round) {
      Bytes damaged = bytes;
      for (size_t flips = 1 + random() % 4; flips > 0; --flips) {
        damaged[random() % damaged.size()] ^= static_cast<uint8_t>(1u << random() % 8);
      }
      const auto command = verify_command(damaged);
      ++(command ? accepted : refused);
      if (command) {
        EXPECT_TRUE(json_of(*command).starts_with('{'));
      }
    }
  }
  EXPECT_GT(accepted, 0u);
  EXPECT_GT(refused, 0u);
}

TEST(CommandBytesTest, ACommandThatExpandsTooFarIsMalformed) {
  EXPECT_EQ(refusal(entries_bomb(10)), "accepted");
  EXPECT_THAT(refusal(entries_bomb(1'000)), HasSubstr("expands too far"));
  EXPECT_EQ(refusal(strings_bomb(200, 20'000)), "accepted");
  EXPECT_THAT(refusal(strings_bomb(250, 20'000)), HasSubstr("expands too far"));
  EXPECT_THAT(refusal(strings_bomb(125'000, 500'000)), HasSubstr("expands too far"));
  EXPECT_THAT(refusal(strings_bomb(1, kMaxCommandSize - 1'000)), "accepted");
}

TEST(CommandBytesTest, MoreTablesThanTheLimitAreMalformed) {
  FlatBufferBuilder builder;
  const auto empty = builder.CreateString("");
  const auto entry = schema::CreateUsageEntry(builder, empty, empty, empty);
  const std::vector<flatbuffers::Offset<schema::UsageEntry>> entries(100'001, entry);
  const auto command = schema::CreateRecordUsageDirect(builder, "s", &entries);
  const auto id = builder.CreateString("c");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, id, builder.CreateString("user:a"),
                                             schema::Command::RecordUsage, command.Union()));
  EXPECT_THAT(refusal({builder.GetBufferPointer(), builder.GetSize()}),
              StartsWith("malformed: not a valid CommandEnvelope"));
}

TEST(CommandBytesTest, AUnionTypeOfANewerSchemaIsMalformed) {
  FlatBufferBuilder builder;
  const auto leave = schema::CreateLeaveOrganization(builder);
  const auto id = builder.CreateString("c");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, id, builder.CreateString("user:a"),
                                             static_cast<schema::Command>(200), leave.Union()));
  EXPECT_THAT(refusal({builder.GetBufferPointer(), builder.GetSize()}),
              HasSubstr("a type that this build does not know"));
}

TEST(CommandBytesTest, WhatStandsForAnUnreadableMessageIsTheEnginesOwn) {
  FlatBufferBuilder builder;
  const auto message = schema::CreateUnreadableMessageDirect(builder, "why", 3, "hash");
  const auto id = builder.CreateString("c");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, id, builder.CreateString("user:a"),
                                             schema::Command::UnreadableMessage, message.Union()));
  EXPECT_THAT(refusal({builder.GetBufferPointer(), builder.GetSize()}),
              StartsWith("malformed: UnreadableMessage stands for"));
}

TEST(CommandBytesTest, NobodyVouchesForTheirOwnSignInOrWayHere) {
  const auto refusal_of = [](const char* sign_in, const char* sent_by) {
    FlatBufferBuilder builder;
    const auto command = schema::CreateRemoveSso(builder);
    schema::FinishCommandEnvelopeBuffer(
        builder, schema::CreateCommandEnvelopeDirect(
                     builder, "c", "acme", "user:a", schema::Command::RemoveSso, command.Union(),
                     flatbuffers::nullopt, 0, sign_in, nullptr, sent_by));
    return refusal({builder.GetBufferPointer(), builder.GetSize()});
  };
  EXPECT_THAT(refusal_of("https://id.example", nullptr),
              StartsWith("malformed: sign_in is said by the server"));
  EXPECT_THAT(refusal_of(nullptr, "http service:admin"),
              StartsWith("malformed: sent_by is said by the server"));
}

TEST(CommandBytesTest, NobodyBringsTheHashOfAKey) {
  FlatBufferBuilder builder;
  const std::vector<uint8_t> hash(32, 1);
  const auto command = schema::CreateCreateApiKeyDirect(builder, "k", "meter");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelopeDirect(builder, "c", "_tenure", "service:admin",
                                                   schema::Command::CreateApiKey, command.Union(),
                                                   flatbuffers::nullopt, 0, nullptr, &hash));
  EXPECT_THAT(refusal({builder.GetBufferPointer(), builder.GetSize()}),
              StartsWith("malformed: key_hash is said by the server"));
}

TEST(CommandBytesTest, ServicesAreManagedInTheReservedOrganizationAlone) {
  const auto revoke_in = [](const char* org) {
    FlatBufferBuilder builder;
    const auto command = schema::CreateRevokeApiKeyDirect(builder, "k");
    schema::FinishCommandEnvelopeBuffer(
        builder,
        schema::CreateCommandEnvelopeDirect(builder, "c", org, "service:admin",
                                            schema::Command::RevokeApiKey, command.Union()));
    return refusal({builder.GetBufferPointer(), builder.GetSize()});
  };
  EXPECT_EQ(revoke_in("_tenure"), "accepted");
  EXPECT_THAT(revoke_in("acme"), StartsWith("invalid_id: services and their keys are managed"));
  EXPECT_THAT(refusal(with_ids("c", "_tenure", "service:admin")), StartsWith("invalid_id: org"));
}

TEST(CommandBytesTest, AStringThatIsNotUtf8IsMalformed) {
  FlatBufferBuilder builder;
  const auto command = schema::CreateRemoveMemberDirect(builder, "b\xff");
  const auto id = builder.CreateString("c");
  schema::FinishCommandEnvelopeBuffer(
      builder, schema::CreateCommandEnvelope(builder, id, id, builder.CreateString("user:a"),
                                             schema::Command::RemoveMember, command.Union()));
  EXPECT_EQ(refusal({builder.GetBufferPointer(), builder.GetSize()}),
            "malformed: a string is not UTF-8");
}

TEST(CommandBytesTest, IdsThatNobodyMayUseAreInvalid) {
  EXPECT_EQ(refusal(with_ids("c", "acme", "user:alice")), "accepted");
  EXPECT_EQ(refusal(with_ids("c", "acme", "service:meter")), "accepted");
  for (const char* id : {"", "system:x", "_x", "a b", "user:x"}) {
    EXPECT_THAT(refusal(with_ids(id, "acme", "user:a")), StartsWith("invalid_id: the command's"));
    EXPECT_THAT(refusal(with_ids("c", id, "user:a")), StartsWith("invalid_id: org"));
  }
  for (const char* actor : {"", "system", "system:x", "alice", "group:g", "user:", "user:_x",
                            "user:system:x", "service:user:x"}) {
    EXPECT_THAT(refusal(with_ids("c", "acme", actor)), StartsWith("invalid_id: actor"));
  }
  EXPECT_THAT(refusal(with_ids(std::string(129, 'x'), "acme", "user:a")), StartsWith("invalid_id"));
}

TEST(CommandBytesTest, TheEnginesOwnCommandsAreNotChecked) {
  const Bytes due = with_ids("system:expire_checkout:s:1", "acme", "system");
  const CommandBytes command = trusted_command(due);
  EXPECT_EQ(command.get().actor()->str(), "system");
  EXPECT_TRUE(std::ranges::equal(command.view(), due));
}

}  // namespace
}  // namespace tenure
