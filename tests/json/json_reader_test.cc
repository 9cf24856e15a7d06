#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/json/json_edge.h"
#include "schemas/commands_generated.h"
#include "schemas/decision_generated.h"

namespace tenure {
namespace {

using testing::HasSubstr;

// Reads a command envelope; fails the test if it is refused.
class JsonReaderTest : public testing::Test {
 protected:
  const schema::CommandEnvelope* read(std::string_view json) {
    const auto bytes = reader_.read(json);
    EXPECT_TRUE(bytes) << bytes.error().message;
    if (!bytes) return nullptr;
    flatbuffers::Verifier verifier(bytes->data(), bytes->size(), 16);
    EXPECT_TRUE(schema::VerifyCommandEnvelopeBuffer(verifier));
    return schema::GetCommandEnvelope(bytes->data());
  }

  std::string refusal(std::string_view json) {
    const auto bytes = reader_.read(json);
    if (bytes) return "accepted";
    EXPECT_EQ(bytes.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(bytes.error().message.find('\n'), std::string::npos);
    return bytes.error().message;
  }

  JsonReader reader_{command_schema()};
};

// An AddMember with `fields` as the inside of its command.
std::string add_member(std::string_view fields) {
  return R"({"id":"c1","org":"acme","actor":"user:alice","command_type":"AddMember","command":{)" +
         std::string(fields) + "}}";
}

std::string record_usage(std::string_view entry_fields) {
  return R"({"id":"c1","org":"acme","actor":"service:m","command_type":"RecordUsage",)"
         R"("command":{"space":"s1","entries":[{"source":"m","id":"1","meter":"calls",)" +
         std::string(entry_fields) + "}]}}";
}

TEST_F(JsonReaderTest, EveryFieldOfACommandIsRead) {
  const auto* envelope = read(
      R"({"id":"c1","org":"acme","actor":"user:alice","command_type":"AddMember",
          "command":{"user":"bob","role":"MANAGER","name":"Bob","space":"s1",
                     "space_roles":["ADMIN","EDITOR"]},
          "expected_version":7,"reason":"new hire"})");
  EXPECT_EQ(envelope->id()->str(), "c1");
  EXPECT_EQ(envelope->org()->str(), "acme");
  EXPECT_EQ(envelope->actor()->str(), "user:alice");
  EXPECT_EQ(envelope->expected_version(), 7u);
  EXPECT_EQ(envelope->reason()->clear()->str(), "new hire");
  EXPECT_EQ(envelope->reason()->box(), nullptr);
  const auto* command = envelope->command_as_AddMember();
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(command->user()->str(), "bob");
  EXPECT_EQ(command->role()->str(), "MANAGER");
  EXPECT_EQ(command->name()->clear()->str(), "Bob");
  EXPECT_EQ(command->email(), nullptr);
  ASSERT_EQ(command->space_roles()->size(), 2u);
  EXPECT_EQ(command->space_roles()->Get(1)->str(), "EDITOR");
}

TEST_F(JsonReaderTest, KeysMayStandInAnyOrder) {
  const auto* envelope = read(
      R"({"command":{"role":"R","user":"u"},"actor":"user:a","command_type":"ChangeRole",
          "org":"o","id":"c"})");
  ASSERT_NE(envelope->command_as_ChangeRole(), nullptr);
  EXPECT_EQ(envelope->command_as_ChangeRole()->role()->str(), "R");
}

TEST_F(JsonReaderTest, ACommandWithoutFieldsIsAnEmptyObject) {
  const auto* envelope = read(
      R"({"id":"c","org":"o","actor":"user:a","command_type":"LeaveOrganization","command":{}})");
  EXPECT_NE(envelope->command_as_LeaveOrganization(), nullptr);
}

TEST_F(JsonReaderTest, AnAbsentExpectedVersionIsNotZero) {
  EXPECT_EQ(read(add_member(R"("user":"b","role":"r")"))->expected_version(), std::nullopt);
  const auto* envelope = read(
      R"({"id":"c","org":"o","actor":"user:a","command_type":"LeaveOrganization","command":{},
          "expected_version":0})");
  EXPECT_EQ(envelope->expected_version(), 0u);
}

TEST_F(JsonReaderTest, IntegersAreExactUpToTheirLimits) {
  const auto quantity = [&](std::string_view number) {
    const auto* envelope = read(record_usage(R"("quantity":)" + std::string(number)));
    return envelope->command_as_RecordUsage()->entries()->Get(0)->quantity();
  };
  EXPECT_EQ(quantity("0"), 0u);
  EXPECT_EQ(quantity("9007199254740993"), 9007199254740993u);
  EXPECT_EQ(quantity("9223372036854775808"), 9223372036854775808u);
  EXPECT_EQ(quantity("18446744073709551615"), 18446744073709551615u);
}

TEST_F(JsonReaderTest, WhatIsNotAWholeNumberInRangeIsRefused) {
  const std::string range =
      "field \"quantity\" in UsageEntry must be a whole number from 0 to "
      "18446744073709551615";
  EXPECT_EQ(refusal(record_usage(R"("quantity":-1)")), range);
  EXPECT_EQ(refusal(record_usage(R"("quantity":1.0)")), range);
  EXPECT_EQ(refusal(record_usage(R"("quantity":1e3)")), range);
  EXPECT_EQ(refusal(record_usage(R"("quantity":"1")")), range);
  EXPECT_EQ(refusal(record_usage(R"("quantity":true)")), range);
  EXPECT_EQ(refusal(record_usage(R"("quantity":18446744073709551616)")),
            "a number is malformed or larger than 64 bits");
}

TEST_F(JsonReaderTest, ATimeIsRfc3339) {
  const auto* envelope = read(record_usage(R"("time":"1970-01-01T00:00:01.5Z")"));
  EXPECT_EQ(envelope->command_as_RecordUsage()->entries()->Get(0)->time(), 1'500'000);
  EXPECT_THAT(refusal(record_usage(R"("time":1500000)")), HasSubstr("must be a string"));
  EXPECT_THAT(refusal(record_usage(R"("time":"yesterday")")),
              HasSubstr("field \"time\" in UsageEntry: not a time"));
}

TEST_F(JsonReaderTest, AnUnknownFieldIsNamedWithThoseThatAreKnown) {
  EXPECT_EQ(refusal(add_member(R"("user":"b","role":"r","rolle":"x")")),
            "unknown field \"rolle\" in AddMember; known are: user, role, name, email, space, "
            "space_roles");
}

TEST_F(JsonReaderTest, AMissingFieldIsNamed) {
  EXPECT_EQ(refusal(add_member(R"("user":"b")")), "missing field \"role\" in AddMember");
  EXPECT_EQ(refusal(R"({"id":"c","org":"o","actor":"a","command":{}})"),
            "missing field \"command_type\" in CommandEnvelope");
  EXPECT_EQ(refusal(R"({"id":"c","org":"o","actor":"a","command_type":"AddMember"})"),
            "missing field \"command\" in CommandEnvelope");
}

TEST_F(JsonReaderTest, AnUnknownCommandIsNamedWithThoseThatAreKnown) {
  const auto unknown = [&](std::string_view type) {
    return refusal(R"({"id":"c","org":"o","actor":"a","command":{},"command_type":")" +
                   std::string(type) + "\"}");
  };
  EXPECT_THAT(unknown("AddMembr"),
              testing::StartsWith("unknown command_type \"AddMembr\"; use one of: "
                                  "CreateOrganization, AddMember, ChangeRole"));
  EXPECT_THAT(unknown("NONE"), HasSubstr("unknown command_type \"NONE\""));
  EXPECT_THAT(unknown(""), HasSubstr("unknown command_type \"\""));
}

TEST_F(JsonReaderTest, ARepeatedKeyIsRefused) {
  EXPECT_EQ(refusal(add_member(R"("user":"b","role":"r","user":"c")")),
            "field \"user\" stands twice in AddMember");
  EXPECT_EQ(refusal(R"({"id":"c","org":"o","actor":"a","command_type":"LeaveOrganization",)"
                    R"("command":{},"command":{}})"),
            "field \"command\" stands twice in CommandEnvelope");
}

TEST_F(JsonReaderTest, ANullIsRefusedWithTheRemedy) {
  EXPECT_EQ(refusal(add_member(R"("user":"b","role":"r","space":null)")),
            "field \"space\" in AddMember is null; leave it out instead");
}

TEST_F(JsonReaderTest, AValueOfTheWrongTypeIsRefused) {
  EXPECT_EQ(refusal(add_member(R"("user":1,"role":"r")")),
            "field \"user\" in AddMember must be a string");
  EXPECT_EQ(refusal(add_member(R"("user":"b","role":"r","name":{"clear":"x"})")),
            "field \"name\" in AddMember must be a string");
  EXPECT_EQ(refusal(add_member(R"("user":"b","role":"r","space_roles":"ADMIN")")),
            "field \"space_roles\" in AddMember must be an array");
  EXPECT_EQ(refusal(add_member(R"("user":"b","role":"r","space_roles":["ADMIN",1])")),
            "field \"space_roles\" in AddMember must be a string");
  EXPECT_EQ(refusal(R"({"id":"c","org":"o","actor":"a","command_type":"RecordUsage",)"
                    R"("command":{"space":"s","entries":[7]}})"),
            "field \"entries\" in RecordUsage must be an object");
  EXPECT_EQ(refusal(R"({"id":"c","org":"o","actor":"a","command_type":"UpgradePlan",)"
                    R"("command":{"space":"s","plan":"p","confirm":1}})"),
            "field \"confirm\" in UpgradePlan must be true or false");
  EXPECT_EQ(refusal(R"({"id":"c","org":"o","actor":"a","command_type":"AddMember","command":[]})"),
            "field \"command\" in CommandEnvelope must be an object");
}

TEST_F(JsonReaderTest, WhatIsNotOneJsonObjectIsRefused) {
  EXPECT_EQ(refusal(""), "empty; expected a JSON object");
  EXPECT_EQ(refusal("  "), "empty; expected a JSON object");
  EXPECT_EQ(refusal("[]"), "not a JSON object");
  EXPECT_EQ(refusal("\"x\""), "not a JSON object");
  EXPECT_EQ(refusal("{"), "not valid JSON");
  EXPECT_EQ(refusal("{'id':1}"), "not valid JSON");
  EXPECT_EQ(refusal("{\"id\":\"a\",}"), "not valid JSON");
  EXPECT_EQ(refusal("{} {}"), "not valid JSON");
  EXPECT_EQ(refusal("{\"id\":\"\xff\"}"), "not UTF-8");
  EXPECT_EQ(refusal("{\"id\":\"\xed\xa0\x80\"}"), "not UTF-8");
  EXPECT_EQ(refusal("{\"id\":\"a\nb\"}"), "not valid JSON");
  EXPECT_EQ(refusal("{\"id\":\"\\ud800\"}"), "not valid JSON");
}

std::string nested(size_t depth) {
  std::string json;
  for (size_t i = 0; i + 1 < depth; ++i) json += R"({"a":)";
  json += R"({"a":1)";
  return json + std::string(depth, '}');
}

TEST_F(JsonReaderTest, ARefusalSaysWhereItStands) {
  const auto path_of = [this](const std::string& json) {
    EXPECT_NE(refusal(json), "accepted");
    return std::string(reader_.error_path());
  };
  EXPECT_EQ(path_of("{"), "");
  EXPECT_EQ(path_of("[]"), "");
  EXPECT_EQ(path_of("{}"), "");
  EXPECT_EQ(path_of(R"({"id":"c1","org":7})"), "org");
  EXPECT_EQ(path_of(R"({"id":"c1","id":"c2"})"), "id");
  EXPECT_EQ(path_of(add_member(R"("user":"bob","colour":"red")")), "command.colour");
  EXPECT_EQ(path_of(add_member(R"("user":"bob")")), "command");
  EXPECT_EQ(path_of(add_member(R"("user":"bob","role":"X","space_roles":["A",1])")),
            "command.space_roles[1]");
  EXPECT_EQ(path_of(record_usage(R"("quantity":"many")")), "command.entries[0].quantity");
}

TEST_F(JsonReaderTest, DeepNestingIsRefused) {
  EXPECT_THAT(refusal(nested(16)), HasSubstr("unknown field \"a\""));
  EXPECT_EQ(refusal(nested(17)), "nested deeper than 16; make it flatter");
  EXPECT_EQ(refusal(nested(100'000)), "nested deeper than 16; make it flatter");
  EXPECT_EQ(refusal(std::string(99'999, '[') + std::string(99'999, ']')),
            "nested deeper than 16; make it flatter");
}

TEST_F(JsonReaderTest, AMessageStaysShortAndOnOneLineWhateverWasSent) {
  const std::string message = refusal("{\"" + std::string(100'000, 'x') + "\":1}");
  EXPECT_LT(message.size(), 300u);
  EXPECT_THAT(refusal(R"({"a\nb":1})"), HasSubstr(R"(unknown field "a\nb")"));
}

TEST_F(JsonReaderTest, AReaderGoesOnAfterARefusal) {
  refusal(record_usage(R"("quantity":-1)"));
  refusal(add_member(R"("user":"b","role":"r","space_roles":["a","b",3])"));
  const auto* envelope = read(add_member(R"("user":"b","role":"r","space_roles":["x"])"));
  EXPECT_EQ(envelope->command_as_AddMember()->space_roles()->size(), 1u);
}

TEST(JsonReaderOfOtherTables, EventsAreReadByTheirBox) {
  JsonReader reader(decision_schema(), "EventBox");
  const auto bytes =
      reader.read(R"({"event":{"user":"bob","role":"R"},"event_type":"MemberRemoved"})");
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto* box = flatbuffers::GetRoot<schema::EventBox>(bytes->data());
  EXPECT_EQ(box->event_as_MemberRemoved()->role()->str(), "R");
}

TEST(JsonReaderOfOtherTables, BytesHaveNoJsonForm) {
  JsonReader reader(decision_schema());
  const auto bytes = reader.read(R"({"command":[1,2]})");
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, "field \"command\" in Decision cannot be set by JSON");
}

TEST(JsonReaderOfOtherTables, AnEnumIsReadByName) {
  JsonReader reader(catalog_schema(), "MeterTerms");
  const auto bytes = reader.read(R"({"meter":"seats","kind":"counter","limit":5})");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(flatbuffers::GetRoot<schema::MeterTerms>(bytes->data())->kind(),
            schema::MeterKind::counter);
  const auto refused = reader.read(R"({"meter":"seats","kind":"sum"})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "unknown kind \"sum\"; use one of: gauge, counter");
}

TEST_F(JsonReaderTest, AMapIsAnObjectOfStrings) {
  const auto adopt = [](std::string_view map) {
    return R"({"id":"c1","org":"acme","actor":"user:alice","command_type":"AdoptRulebook",)"
           R"("command":{"rulebook":"space@1","map":)" +
           std::string(map) + "}}";
  };
  const auto* command = read(adopt(R"({"USER":"EVALUATOR","BOSS":"OWNER"})"));
  ASSERT_TRUE(command);
  const auto& map = *command->command_as_AdoptRulebook()->map();
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map[0]->key()->string_view(), "USER");
  EXPECT_EQ(map[0]->value()->string_view(), "EVALUATOR");
  EXPECT_EQ(map[1]->key()->string_view(), "BOSS");
  ASSERT_TRUE(read(adopt("{}")));
  EXPECT_THAT(refusal(adopt(R"(["USER"])")), HasSubstr("map"));
  EXPECT_THAT(refusal(adopt(R"({"USER":1})")), HasSubstr("strings"));
  EXPECT_THAT(refusal(adopt(R"({"USER":"A","USER":"B"})")), HasSubstr("twice"));
}

}  // namespace
}  // namespace tenure
