// Random commands and events, made by walking the schema: whatever it can say goes through the edge
// unchanged. RapidCheck prints the seed of a failure; RC_PARAMS="seed=..." repeats it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/json/json_edge.h"
#include "engine/json/json_schema.h"
#include "schemas/commands_generated.h"
#include "schemas/decision_generated.h"

namespace tenure {
namespace {

using namespace json;

// One JSON object twice: as it may be sent, keys in any order, and as it is written back.
struct Sample {
  std::string sent;
  std::string written;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

rc::Gen<std::string> any_text() {
  const auto character = rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(0, 128), [](int c) { return std::string(1, char(c)); }),
      rc::gen::element<std::string>("\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d",
                                    "\xef\xbf\xbd"));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(character),
                      [](const std::vector<std::string>& characters) {
                        std::string text;
                        for (const std::string& c : characters) text += c;
                        return text;
                      });
}

std::string any_integer(const FieldPlan& field) {
  const int unused = 64 - 8 * field.size;
  const auto bits = *rc::gen::oneOf(rc::gen::arbitrary<uint64_t>(), rc::gen::just<uint64_t>(0),
                                    rc::gen::just(UINT64_MAX), rc::gen::just(UINT64_MAX / 2),
                                    rc::gen::just(UINT64_MAX / 2 + 1));
  return field.is_signed ? std::to_string(static_cast<int64_t>(bits << unused) >> unused)
                         : std::to_string(bits << unused >> unused);
}

Sample any_table(const TablePlan& plan);

Sample same(const std::string& json) { return {json, json}; }

Sample any_value(const FieldPlan& field) {
  std::string text;
  switch (field.kind) {
    case FieldKind::kBool:
      return same(*rc::gen::element("true", "false"));
    case FieldKind::kInteger:
      return same(any_integer(field));
    case FieldKind::kEnum:
      append_json_string((*rc::gen::elementOf(field.enumeration->values)).name, text);
      return same(text);
    case FieldKind::kTime:
      append_json_string(format_time(*rc::gen::inRange<int64_t>(-1e15, 1e17)), text);
      return same(text);
    case FieldKind::kString:
    case FieldKind::kSealed:
      append_json_string(*any_text(), text);
      return same(text);
    case FieldKind::kTable:
      return any_table(*field.table);
    case FieldKind::kUnionType:
    case FieldKind::kUnion:
    case FieldKind::kBytes:
      break;
  }
  RC_FAIL("made by any_table");
}

Sample any_map() {
  std::vector<std::string> entries;
  for (int left = *rc::gen::inRange(0, 4); left > 0; --left) {
    std::string entry;
    append_json_string(std::to_string(left) + *any_text(), entry);
    entry += ':';
    append_json_string(*any_text(), entry);
    entries.push_back(std::move(entry));
  }
  return same("{" + joined(entries) + "}");
}

Sample any_field(const FieldPlan& field) {
  if (field.is_map) return any_map();
  if (!field.is_vector) return any_value(field);
  std::vector<std::string> sent, written;
  for (int left = *rc::gen::inRange(0, 4); left > 0; --left) {
    const Sample element = any_value(field);
    sent.push_back(element.sent);
    written.push_back(element.written);
  }
  return {"[" + joined(sent) + "]", "[" + joined(written) + "]"};
}

Sample any_table(const TablePlan& plan) {
  std::vector<std::string> sent, written;
  const auto add = [&](const FieldPlan& field, const Sample& value) {
    const auto place = *rc::gen::inRange<size_t>(0, sent.size() + 1);
    sent.insert(sent.begin() + static_cast<ptrdiff_t>(place), field.key + value.sent);
    written.push_back(field.key + value.written);
  };
  for (const FieldPlan& field : plan.fields) {
    if (field.kind == FieldKind::kBytes || field.kind == FieldKind::kUnionType) continue;
    if (field.kind == FieldKind::kUnion) {
      const auto member = *rc::gen::elementOf(field.enumeration->values);
      add(*plan.union_type, same("\"" + member.name + "\""));
      add(field, any_table(*member.table));
    } else if (field.required || *rc::gen::arbitrary<bool>()) {
      add(field, any_field(field));
    } else if (is_scalar(field.kind) && !field.is_vector && !field.optional) {
      std::string zero = field.kind == FieldKind::kBool ? "false" : "0";
      if (field.kind == FieldKind::kTime) zero = "\"" + format_time(0) + "\"";
      written.push_back(field.key + (field.kind == FieldKind::kEnum ? "\"gauge\"" : zero));
    }
  }
  return {"{" + joined(sent) + "}", "{" + joined(written) + "}"};
}

void expect_round_trip(const JsonSchema& schema, const char* table) {
  const Sample sample = any_table(schema.table(table));
  JsonReader reader(schema, table);
  const auto buffer = reader.read(sample.sent);
  if (!buffer) RC_FAIL(buffer.error().message + ": " + sample.sent);
  std::string out;
  write_json(schema, table, flatbuffers::GetRoot<void>(buffer->data()), out);
  RC_ASSERT(out == sample.written);
}

RC_GTEST_PROP(JsonProperties, EveryCommandComesBackAsItWasSent, ()) {
  expect_round_trip(command_schema(), "CommandEnvelope");
}

RC_GTEST_PROP(JsonProperties, ATableWithTiersAndTimesComesBackAsItWasSent, ()) {
  expect_round_trip(decision_schema(), *rc::gen::element("UsageEntry", "PriceTier", "MemberAdded",
                                                         "UsageThresholdReached"));
}

RC_GTEST_PROP(JsonProperties, DamagedJsonIsRefusedOrStillAValidCommand, ()) {
  std::string json = any_table(command_schema().root()).sent;
  for (int left = *rc::gen::inRange(1, 5); left > 0; --left) {
    const size_t at = *rc::gen::inRange<size_t>(0, json.size());
    json[at] =
        *rc::gen::element('{', '}', '[', ']', '"', ',', ':', '0', '-', '\\', 'u', '\0', '\xff');
  }
  JsonReader reader(command_schema());
  const auto buffer = reader.read(json);
  if (!buffer) {
    RC_ASSERT(buffer.error().message.find('\n') == std::string::npos);
    return;
  }
  flatbuffers::Verifier verifier(buffer->data(), buffer->size(), 16, 100'000);
  RC_ASSERT(schema::VerifyCommandEnvelopeBuffer(verifier));
}

}  // namespace
}  // namespace tenure
