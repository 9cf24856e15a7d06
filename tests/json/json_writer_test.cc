#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <simdjson.h>

#include "engine/json/json_edge.h"
#include "schemas/decision_generated.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

// Builds a table with `create(builder)` and writes it as JSON.
template <class Create>
std::string written(std::string_view table, Create create, const Unsealer* unsealer = nullptr) {
  FlatBufferBuilder builder;
  builder.Finish(create(builder));
  std::string out;
  write_json(decision_schema(), table, flatbuffers::GetRoot<void>(builder.GetBufferPointer()), out,
             unsealer);
  return out;
}

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

// Eight characters are looked at together, so each place of them counts.
TEST(JsonWriterTest, WhatMustBeEscapedIsFoundWhereverItStands) {
  for (int c = 0; c < 0x80; ++c) {
    const std::string alone = as_json(std::string(1, static_cast<char>(c)));
    EXPECT_EQ(alone.size() > 3, c < 0x20 || c == '"' || c == '\\') << c;
    for (size_t at = 0; at < 20; ++at) {
      std::string text(20, 'a');
      text[at] = static_cast<char>(c);
      EXPECT_EQ(as_json(text), '"' + std::string(at, 'a') + alone.substr(1, alone.size() - 2) +
                                   std::string(19 - at, 'a') + '"');
    }
  }
}

TEST(JsonWriterTest, AbsentFieldsAreLeftOut) {
  EXPECT_EQ(written("MemberAdded",
                    [](FlatBufferBuilder& b) {
                      return schema::CreateMemberAddedDirect(b, "bob", "MANAGER");
                    }),
            R"({"user":"bob","role":"MANAGER"})");
}

TEST(JsonWriterTest, AScalarAtItsDefaultHasAValueAndIsWritten) {
  EXPECT_EQ(written("UsageRecorded",
                    [](FlatBufferBuilder& b) {
                      const std::vector<Offset<schema::UsageEntry>> none;
                      return schema::CreateUsageRecordedDirect(b, "s", &none);
                    }),
            R"({"space":"s","entries":[],"counted":0})");
}

TEST(JsonWriterTest, AnOptionalScalarIsWrittenOnlyWhenItIsThere) {
  const auto entry = [](flatbuffers::Optional<int64_t> time) {
    return written("UsageEntry", [&](FlatBufferBuilder& b) {
      return schema::CreateUsageEntryDirect(b, "m", "1", "calls", 7, time);
    });
  };
  EXPECT_EQ(entry(flatbuffers::nullopt), R"({"source":"m","id":"1","meter":"calls","quantity":7})");
  EXPECT_EQ(entry(0), R"({"source":"m","id":"1","meter":"calls","quantity":7,)"
                      R"("time":"1970-01-01T00:00:00.000000Z"})");
}

TEST(JsonWriterTest, IntegersAreWrittenExactly) {
  EXPECT_EQ(written("PriceTier",
                    [](FlatBufferBuilder& b) {
                      return schema::CreatePriceTier(b, UINT64_MAX, 1, INT64_MIN);
                    }),
            R"({"from":18446744073709551615,"unit":1,"amount_minor":-9223372036854775808})");
}

TEST(JsonWriterTest, ANumberWithoutANameIsWrittenAsItIs) {
  EXPECT_EQ(written("MeterTerms",
                    [](FlatBufferBuilder& b) {
                      return schema::CreateMeterTermsDirect(b, "seats",
                                                            static_cast<schema::MeterKind>(99));
                    }),
            R"({"meter":"seats","kind":99})");
}

TEST(JsonWriterTest, TextIsEscaped) {
  EXPECT_EQ(as_json("plain"), R"("plain")");
  EXPECT_EQ(as_json(""), R"("")");
  EXPECT_EQ(as_json("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(as_json(std::string_view("\0\x01\x1f", 3)), R"("\u0000\u0001\u001f")");
  EXPECT_EQ(as_json("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d"),
            "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d\"");
}

TEST(JsonWriterTest, BytesThatAreNotUtf8AreReplaced) {
  constexpr char kReplaced[] = "\"a\xef\xbf\xbd\"";
  EXPECT_EQ(as_json("a\xff"), kReplaced);
  EXPECT_EQ(as_json("a\xc3"), kReplaced);
  EXPECT_EQ(as_json("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(as_json("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(as_json("\xf4\x90\x80\x80").size(), 2u + 4 * 3);
}

RC_GTEST_PROP(JsonWriterProperties, WhateverTheBytesWhatComesOutIsJson,
              (const std::string& bytes)) {
  simdjson::dom::parser parser;
  std::string_view text;
  RC_ASSERT(parser.parse("[" + as_json(bytes) + "]").at(0).get(text) == simdjson::SUCCESS);
  if (simdjson::validate_utf8(bytes)) RC_ASSERT(text == bytes);
}

class AnyUnsealer final : public Unsealer {
 public:
  std::optional<std::string> unseal(const schema::Sealed& sealed) const override {
    if (sealed.subject()->str() == "erased") return std::nullopt;
    return "opened for " + sealed.subject()->str();
  }
};

std::string member_named(const char* clear, const char* subject, const Unsealer* unsealer) {
  return written(
      "MemberAdded",
      [&](FlatBufferBuilder& b) {
        const std::vector<uint8_t> box = {1, 2, 3};
        const auto name = schema::CreateSealedDirect(b, clear, subject, clear ? nullptr : &box);
        const auto user = b.CreateString("bob"), role = b.CreateString("R");
        return schema::CreateMemberAdded(b, user, role, name);
      },
      unsealer);
}

TEST(JsonWriterTest, SealedTextIsShownOnlyToThoseWhoCanOpenIt) {
  const AnyUnsealer unsealer;
  EXPECT_EQ(member_named("Bob", nullptr, nullptr), R"({"user":"bob","role":"R","name":"Bob"})");
  EXPECT_EQ(member_named(nullptr, "bob", nullptr), R"({"user":"bob","role":"R"})");
  EXPECT_EQ(member_named(nullptr, "bob", &unsealer),
            R"({"user":"bob","role":"R","name":"opened for bob"})");
  EXPECT_EQ(member_named(nullptr, "erased", &unsealer), R"({"user":"bob","role":"R"})");
}

// A decision on `command` by alice; `finish` says how it came out.
template <class Finish>
std::string decided(std::string_view command_json, Finish finish) {
  JsonReader reader(command_schema());
  const auto command = reader.read(command_json);
  EXPECT_TRUE(command) << command.error().message;
  FlatBufferBuilder builder;
  builder.ForceVectorAlignment(command->size(), 1, 8);
  const auto bytes = builder.CreateVector(command->data(), command->size());
  builder.Finish(finish(builder, bytes));
  const std::span<const uint8_t> payload(builder.GetBufferPointer(), builder.GetSize());
  std::string out;
  write_decision_json("0:41", std::as_bytes(payload), out);
  return out;
}

constexpr char kRemoveBob[] =
    R"({"id":"c1","org":"acme","actor":"user:alice","command_type":"RemoveMember",)"
    R"("command":{"user":"bob"},"expected_version":7})";

TEST(DecisionJsonTest, AnAcceptedDecisionShowsItsEvents) {
  const std::string json = decided(kRemoveBob, [](FlatBufferBuilder& b, auto command) {
    const auto left = schema::CreateGroupLeftDirect(b, "ops", "bob");
    const auto removed = schema::CreateMemberRemovedDirect(b, "bob", "MANAGER");
    const std::vector boxes = {
        schema::CreateEventBox(b, schema::Event::GroupLeft, left.Union()),
        schema::CreateEventBox(b, schema::Event::MemberRemoved, removed.Union())};
    const auto events = b.CreateVector(boxes);
    const auto rulebook = b.CreateString("space@1");
    return schema::CreateDecision(b, command, 1'795'443'660'000'000, 8, schema::Outcome::accepted,
                                  events, 0, rulebook);
  });
  EXPECT_EQ(json,
            R"({"position":"0:41","org":"acme","version":8,"time":"2026-11-23T14:21:00.000000Z",)"
            R"("actor":"user:alice","command_id":"c1","command_type":"RemoveMember",)"
            R"("outcome":"accepted","events":[)"
            R"({"event_type":"GroupLeft","event":{"group":"ops","user":"bob"}},)"
            R"({"event_type":"MemberRemoved","event":{"user":"bob","role":"MANAGER"}}],)"
            R"("rulebook":"space@1"})");
}

TEST(DecisionJsonTest, ADecisionWithNothingToDoHasNoEvents) {
  const std::string json = decided(kRemoveBob, [](FlatBufferBuilder& b, auto command) {
    return schema::CreateDecision(b, command, 0, 8);
  });
  EXPECT_THAT(json, testing::EndsWith(R"("outcome":"accepted","events":[]})"));
}

TEST(DecisionJsonTest, ARejectionShowsWhyAndWhatWasAttempted) {
  const std::string json = decided(kRemoveBob, [](FlatBufferBuilder& b, auto command) {
    const auto rejection = schema::CreateRejectionDirect(
        b, schema::RejectionCode::last_owner, "give \"OWNER\" to somebody first", "space@1 owner");
    return schema::CreateDecision(b, command, 0, 7, schema::Outcome::rejected, 0, rejection);
  });
  EXPECT_THAT(json, testing::EndsWith(
                        R"("outcome":"rejected","rejection":{"code":"last_owner",)"
                        R"("message":"give \"OWNER\" to somebody first","rule":"space@1 owner"},)"
                        R"("command":{"user":"bob"}})"));
}

TEST(DecisionJsonTest, AReasonIsShownWhereItCanBeRead) {
  const std::string json =
      decided(R"({"id":"c1","org":"acme","actor":"user:alice","command_type":"LeaveOrganization",)"
              R"("command":{},"reason":"a new job"})",
              [](FlatBufferBuilder& b, auto command) {
                return schema::CreateDecision(b, command, 0, 8, schema::Outcome::accepted, 0, 0,
                                              b.CreateString("space@1"));
              });
  EXPECT_THAT(json, testing::EndsWith(R"("events":[],"reason":"a new job","rulebook":"space@1"})"));
}

}  // namespace
}  // namespace tenure
