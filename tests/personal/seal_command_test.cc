#include "engine/personal/seal_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/json/json_schema.h"
#include "engine/personal/key_store.h"
#include "tests/support/simulated_file_system.h"

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string envelope(std::string_view type, std::string_view command, std::string_view more = "") {
  return R"({"id":"c1","org":"acme","actor":"user:alice","command_type":")" + std::string(type) +
         R"(","command":)" + std::string(command) + std::string(more) + "}";
}

constexpr char kBob[] =
    R"({"user":"bob","role":"MANAGER","name":"Bob Ross","email":"bob@example.org",)"
    R"("space":"s1","space_roles":["ADMIN","EDITOR"]})";

std::string repeated(std::string_view text, size_t times) {
  std::string out;
  for (; times > 0; --times) out += text;
  return out;
}

class SealCommandTest : public testing::Test {
 protected:
  SealCommandTest() : keys_(KeyStore::open(files_, "keys").value()) {}

  static CommandBytes parsed(const std::string& json) {
    JsonReader reader(command_schema());
    const auto bytes = reader.read(json);
    EXPECT_TRUE(bytes) << bytes.error().message;
    return verify_command(*bytes).value();
  }

  CommandBytes sealed(const std::string& json) {
    auto command = seal_command(parsed(json), *keys_);
    EXPECT_TRUE(command) << command.error().message;
    return *std::move(command);
  }

  std::string refusal(CommandBytes command) {
    const auto outcome = seal_command(std::move(command), *keys_);
    if (outcome) return "accepted";
    EXPECT_EQ(outcome.error().kind, ErrorKind::kInvalid);
    return outcome.error().message;
  }

  static std::string json_of(const CommandBytes& command, const Unsealer* unsealer = nullptr) {
    std::string out;
    write_json(command_schema(), "CommandEnvelope", &command.get(), out, unsealer);
    return out;
  }

  test::SimulatedFileSystem files_;
  std::unique_ptr<KeyStore> keys_;
  KeyUnsealer unsealer_{*keys_};
};

std::string_view text_of(const CommandBytes& command) {
  return {reinterpret_cast<const char*>(command.view().data()), command.view().size()};
}

TEST_F(SealCommandTest, WithoutPersonalTextTheCommandComesBackAsItIs) {
  CommandBytes command = parsed(envelope("AddMember", R"({"user":"bob","role":"MANAGER"})"));
  const uint8_t* const bytes = command.view().data();
  const auto outcome = seal_command(std::move(command), *keys_);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->view().data(), bytes);
  EXPECT_EQ(keys_->find("alice"), std::nullopt);
  EXPECT_EQ(keys_->find("bob"), std::nullopt);
}

TEST_F(SealCommandTest, NoPersonalTextIsLeftInTheBytes) {
  const CommandBytes command = sealed(envelope("AddMember", kBob, R"(,"reason":"a good painter")"));
  for (const char* secret : {"Bob Ross", "example.org", "good painter"}) {
    EXPECT_THAT(text_of(command), Not(HasSubstr(secret)));
  }
}

TEST_F(SealCommandTest, EverythingElseStaysAndTheTextOpensForWhoHoldsTheKeys) {
  const std::string more = R"(,"expected_version":7,"reason":"a good painter")";
  const CommandBytes command = sealed(envelope("AddMember", kBob, more));

  flatbuffers::Verifier verifier(command.view().data(), command.view().size());
  EXPECT_TRUE(schema::VerifyCommandEnvelopeBuffer(verifier));
  EXPECT_EQ(json_of(command), envelope("AddMember",
                                       R"({"user":"bob","role":"MANAGER","space":"s1",)"
                                       R"("space_roles":["ADMIN","EDITOR"]})",
                                       R"(,"expected_version":7)"));
  EXPECT_EQ(json_of(command, &unsealer_), envelope("AddMember", kBob, more));
}

TEST_F(SealCommandTest, AReasonBelongsToTheActorAndANameToTheMember) {
  const CommandBytes command = sealed(envelope("AddMember", kBob, R"(,"reason":"why not")"));
  const auto& add = *command.get().command_as_AddMember();
  EXPECT_EQ(command.get().reason()->subject()->str(), "alice");
  EXPECT_EQ(add.name()->subject()->str(), "bob");
  EXPECT_EQ(add.email()->subject()->str(), "bob");
  EXPECT_EQ(command.get().reason()->clear(), nullptr);
  EXPECT_NE(add.name()->box()->size(), 0u);
}

TEST_F(SealCommandTest, AServiceHasAKeyOfItsOwn) {
  const CommandBytes command =
      sealed(R"({"id":"c1","org":"acme","actor":"service:hr","command_type":"RemoveMember",)"
             R"("command":{"user":"bob"},"reason":"left the company"})");
  EXPECT_EQ(command.get().reason()->subject()->str(), "service:hr");
  EXPECT_THAT(json_of(command, &unsealer_), HasSubstr(R"("reason":"left the company")"));
  EXPECT_EQ(keys_->find("hr"), std::nullopt);
}

TEST_F(SealCommandTest, AReasonIsSealedInEveryKindOfCommand) {
  const std::string usage =
      R"({"space":"s","entries":[{"source":"m","id":"1","meter":"calls","quantity":3,)"
      R"("time":"2026-01-01T00:00:00.000000Z"},{"source":"m","id":"2","meter":"calls",)"
      R"("quantity":0}]})";
  const std::string json = envelope("RecordUsage", usage, R"(,"reason":"late")");
  EXPECT_EQ(json_of(sealed(json), &unsealer_), json);
  const std::string leave = envelope("LeaveOrganization", "{}", R"(,"reason":"")");
  EXPECT_EQ(json_of(sealed(leave), &unsealer_), leave);
}

TEST_F(SealCommandTest, ARetryGivesTheSameBytes) {
  const std::string json = envelope("AddMember", kBob, R"(,"reason":"why not")");
  const CommandBytes first = sealed(json), retry = sealed(json);
  EXPECT_TRUE(std::ranges::equal(first.view(), retry.view()));
  keys_.reset();
  keys_ = KeyStore::open(files_, "keys").value();
  EXPECT_TRUE(std::ranges::equal(first.view(), sealed(json).view()));
}

TEST_F(SealCommandTest, WhereItIsDecidedWhatWasSealedForItStaysAndWhatIsClearIsSealed) {
  const std::string json = envelope("AddMember", kBob, R"(,"reason":"why not")");
  const CommandBytes once = sealed(json);
  const auto from_clear = seal_or_verify(parsed(json), *keys_);
  ASSERT_TRUE(from_clear);
  EXPECT_TRUE(std::ranges::equal(from_clear->view(), once.view()));
  const auto from_sealed = seal_or_verify(trusted_command(once.view()), *keys_);
  ASSERT_TRUE(from_sealed) << from_sealed.error().message;
  EXPECT_TRUE(std::ranges::equal(from_sealed->view(), once.view()));
  const std::string bare = envelope("LeaveOrganization", "{}");
  EXPECT_TRUE(seal_or_verify(parsed(bare), *keys_));
}

TEST_F(SealCommandTest, WhereItIsDecidedABoxOfAnotherPlaceOrKeyIsMalformed) {
  const CommandBytes once = sealed(envelope("AddMember", kBob, R"(,"reason":"why not")"));
  const auto* bob = once.get().command_as_AddMember();
  const auto with = [&](const char* id, const char* actor, const schema::Sealed* reason,
                        const char* clear = nullptr) {
    FlatBufferBuilder builder;
    const auto leave = schema::CreateLeaveOrganization(builder).Union();
    const auto subject = builder.CreateString(reason->subject());
    const auto box = builder.CreateVector(reason->box()->data(), reason->box()->size());
    const auto text = clear ? builder.CreateString(clear) : 0;
    const auto copied = schema::CreateSealed(builder, text, subject, box);
    builder.Finish(schema::CreateCommandEnvelopeDirect(builder, id, "acme", actor,
                                                       schema::Command::LeaveOrganization, leave,
                                                       flatbuffers::nullopt, copied),
                   schema::CommandEnvelopeIdentifier());
    const auto outcome =
        seal_or_verify(trusted_command({builder.GetBufferPointer(), builder.GetSize()}), *keys_);
    return outcome ? std::string("accepted") : outcome.error().message;
  };
  const auto is_refused =
      StartsWith("malformed: CommandEnvelope.reason was not sealed for this command");
  const auto* reason = once.get().reason();
  EXPECT_EQ(with("c1", "user:alice", reason), "accepted");
  EXPECT_THAT(with("c2", "user:alice", reason), is_refused);
  EXPECT_THAT(with("c1", "user:bob", reason), is_refused);
  EXPECT_THAT(with("c1", "user:alice", reason, "and in clear"), is_refused);
  EXPECT_THAT(with("c1", "user:bob", bob->name()), is_refused);
  ASSERT_TRUE(keys_->destroy("alice", name_of(*keys_->find("alice"))));
  EXPECT_THAT(with("c1", "user:alice", reason), is_refused);
}

TEST_F(SealCommandTest, ADestroyedKeyMakesTheTextUnreadableForGood) {
  const CommandBytes command = sealed(envelope("AddMember", kBob, R"(,"reason":"why not")"));
  ASSERT_TRUE(keys_->destroy("bob", name_of(*keys_->find("bob"))));
  EXPECT_THAT(json_of(command, &unsealer_),
              testing::AllOf(HasSubstr("why not"), Not(HasSubstr("Bob Ross"))));
  const CommandBytes again = sealed(envelope("AddMember", kBob));
  EXPECT_THAT(json_of(again, &unsealer_), HasSubstr("Bob Ross"));
  EXPECT_THAT(json_of(command, &unsealer_), Not(HasSubstr("Bob Ross")));
}

TEST_F(SealCommandTest, TextBeyondItsLimitIsInvalid) {
  const auto with_name = [&](const std::string& name) {
    return refusal(
        parsed(envelope("AddMember", R"({"user":"bob","role":"R","name":")" + name + "\"}")));
  };
  const auto with_email = [&](const std::string& email) {
    return refusal(
        parsed(envelope("AddMember", R"({"user":"bob","role":"R","email":")" + email + "\"}")));
  };
  const auto with_reason = [&](const std::string& reason) {
    return refusal(parsed(envelope("LeaveOrganization", "{}", R"(,"reason":")" + reason + "\"")));
  };
  EXPECT_EQ(with_name(repeated("\xc3\xbc", 200)), "accepted");
  EXPECT_THAT(with_name(repeated("\xc3\xbc", 201)),
              StartsWith("invalid_value: name must be 1-200"));
  EXPECT_THAT(with_name(""), StartsWith("invalid_value: name"));
  for (const char* control : {"a\\nb", "a\\u0000b", "a\\u007fb", "a\\u0085b"}) {
    EXPECT_THAT(with_name(control), StartsWith("invalid_value: name")) << control;
  }
  EXPECT_EQ(with_name("a\\u00a0b"), "accepted");
  EXPECT_EQ(with_email(repeated("x", 254)), "accepted");
  EXPECT_THAT(with_email(repeated("x", 255)), StartsWith("invalid_value: email must be 1-254"));
  EXPECT_EQ(with_reason(repeated("\xe2\x82\xac", 500)), "accepted");
  EXPECT_EQ(with_reason("two\\nlines"), "accepted");
  EXPECT_EQ(with_reason(repeated("x", 501)),
            "invalid_value: reason must be at most 500 characters");
}

TEST_F(SealCommandTest, ARefusedCommandMakesNoKey) {
  refusal(parsed(
      envelope("AddMember", R"({"user":"bob","role":"R","name":""})", R"(,"reason":"why not")")));
  EXPECT_EQ(keys_->find("bob"), std::nullopt);
  EXPECT_EQ(keys_->find("alice"), std::nullopt);
}

TEST_F(SealCommandTest, AMemberWhoseIdIsNoneIsInvalid) {
  EXPECT_THAT(refusal(parsed(envelope("AddMember", R"({"user":"b b","role":"R","name":"Bob"})"))),
              StartsWith("invalid_id: user"));
}

TEST_F(SealCommandTest, WhatComesSealedFromOutsideIsMalformed) {
  const auto with_reason = [&](const char* clear, const char* subject, bool has_box) {
    FlatBufferBuilder builder;
    const std::vector<uint8_t> box(40);
    const auto reason =
        schema::CreateSealedDirect(builder, clear, subject, has_box ? &box : nullptr);
    const auto leave = schema::CreateLeaveOrganization(builder).Union();
    const auto id = builder.CreateString("c"), actor = builder.CreateString("user:alice");
    schema::FinishCommandEnvelopeBuffer(
        builder,
        schema::CreateCommandEnvelope(builder, id, id, actor, schema::Command::LeaveOrganization,
                                      leave, flatbuffers::nullopt, reason));
    return refusal(verify_command({builder.GetBufferPointer(), builder.GetSize()}).value());
  };
  EXPECT_EQ(with_reason("text", nullptr, false), "accepted");
  for (const std::string& message :
       {with_reason(nullptr, "alice", true), with_reason("text", nullptr, true),
        with_reason("text", "alice", false), with_reason(nullptr, nullptr, false)}) {
    EXPECT_THAT(message, StartsWith("malformed: reason must be sent as `clear` only"));
  }
}

TEST_F(SealCommandTest, AKeyStoreThatFailsSealsNothing) {
  files_.fail_next_sync();
  const auto outcome = seal_command(parsed(envelope("AddMember", kBob)), *keys_);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kIo);
}

TEST_F(SealCommandTest, AChangedBoxOrAForeignSubjectDoesNotOpen) {
  CommandBytes command = sealed(envelope("AddMember", kBob));
  const schema::Sealed& name = *command.get().command_as_AddMember()->name();
  EXPECT_EQ(unsealer_.unseal(name), "Bob Ross");
  const auto unsealed_as = [&](const char* subject, std::vector<uint8_t> box) {
    FlatBufferBuilder builder;
    builder.Finish(schema::CreateSealedDirect(builder, nullptr, subject, &box));
    return unsealer_.unseal(*flatbuffers::GetRoot<schema::Sealed>(builder.GetBufferPointer()));
  };
  std::vector<uint8_t> box(name.box()->begin(), name.box()->end());
  EXPECT_EQ(unsealed_as("bob", box), "Bob Ross");
  sealed(envelope("LeaveOrganization", "{}", R"(,"reason":"so that alice has a key")"));
  EXPECT_EQ(unsealed_as("alice", box), std::nullopt);
  EXPECT_EQ(unsealed_as("nobody", box), std::nullopt);
  box[20] ^= 1;
  EXPECT_EQ(unsealed_as("bob", box), std::nullopt);
}

TEST_F(SealCommandTest, OfAMemberWhoIsUpdatedOrInvitedTheTextIsTheirs) {
  const CommandBytes update =
      sealed(envelope("UpdateMember", R"({"user":"bob","name":"Bob","email":"b@acme.example"})"));
  EXPECT_EQ(update.get().command_as_UpdateMember()->name()->subject()->string_view(), "bob");
  EXPECT_EQ(json_of(update, &unsealer_),
            envelope("UpdateMember", R"({"user":"bob","name":"Bob","email":"b@acme.example"})"));
  const CommandBytes invite = sealed(envelope(
      "InviteMember", R"({"invitation":"i1","user":"bob","email":"b@acme.example","role":"R"})"));
  EXPECT_EQ(invite.get().command_as_InviteMember()->email()->subject()->string_view(), "bob");
  EXPECT_EQ(invite.get().command_as_InviteMember()->email()->clear(), nullptr);
  EXPECT_THAT(refusal(parsed(envelope("UpdateMember", R"({"user":"bob","email":""})"))),
              testing::HasSubstr("email"));
}

// seal_command looks for personal text in these places only.
TEST(PersonalFieldsTest, EveryPersonalFieldOfACommandIsKnownToSealing) {
  std::vector<std::string> found;
  const auto collect = [&](const json::TablePlan& plan) {
    for (const json::FieldPlan& field : plan.fields) {
      if (field.kind == json::FieldKind::kSealed) found.push_back(plan.name + "." + field.name);
      if (field.table && field.kind == json::FieldKind::kTable) {
        for (const json::FieldPlan& inner : field.table->fields) {
          EXPECT_NE(inner.kind, json::FieldKind::kSealed) << field.table->name;
        }
      }
    }
  };
  const json::TablePlan& root = command_schema().root();
  collect(root);
  for (const auto& member : root.union_value->enumeration->values) collect(*member.table);
  EXPECT_THAT(found,
              testing::ElementsAre("CommandEnvelope.reason", "AddMember.name", "AddMember.email",
                                   "UpdateMember.name", "UpdateMember.email", "InviteMember.email",
                                   "SetBillingDetails.name", "SetBillingDetails.address",
                                   "SetBillingDetails.tax_id", "SetBillingDetails.email"));
}

}  // namespace
}  // namespace tenure
