#include "tests/schemas/golden.h"

#include <charconv>
#include <fstream>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_schema.h"

namespace tenure {
namespace {

using namespace json;

std::string to_hex(const std::vector<uint8_t>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::vector<uint8_t> from_hex(const std::string& hex) {
  CHECK(hex.size() % 2 == 0);
  std::vector<uint8_t> bytes(hex.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char* digits = hex.data() + 2 * i;
    CHECK(std::from_chars(digits, digits + 2, bytes[i], 16).ptr == digits + 2);
  }
  return bytes;
}

std::string sample_table(const TablePlan& plan, const std::string& member);

std::string sample_value(const TablePlan& plan, const FieldPlan& field, const std::string& member) {
  const size_t place = plan.index(field) + 1;
  std::string text;
  switch (field.kind) {
    case FieldKind::kBool:
      return "true";
    case FieldKind::kInteger:
      return std::to_string(place);
    case FieldKind::kEnum:
      append_json_string(field.enumeration->values.back().name, text);
      return text;
    case FieldKind::kTime:
      append_json_string(format_time(kSampleTime + static_cast<int64_t>(place)), text);
      return text;
    case FieldKind::kString:
    case FieldKind::kSealed:
      append_json_string(field.name, text);
      return text;
    case FieldKind::kTable:
      return sample_table(*field.table, member);
    case FieldKind::kUnionType:
      append_json_string(member, text);
      return text;
    case FieldKind::kUnion:
      return sample_table(*field.enumeration->find(member)->table, member);
    case FieldKind::kBytes:
      break;
  }
  CHECK(false);
  return {};
}

std::string sample_table(const TablePlan& plan, const std::string& member) {
  std::string out = "{";
  for (const FieldPlan& field : plan.fields) {
    if (field.kind == FieldKind::kBytes) continue;
    if (out.size() > 1) out += ',';
    out += field.key;
    if (field.is_map) {
      out += R"({"key":"value","other key":"other value"})";
      continue;
    }
    const std::string value = sample_value(plan, field, member);
    if (field.is_vector) out += '[';
    out += value;
    if (field.is_vector) out.append(",").append(value) += ']';
  }
  return out + '}';
}

}  // namespace

std::vector<Golden> read_golden(const std::filesystem::path& file) {
  std::ifstream in(file);
  CHECK(in.is_open());
  std::vector<Golden> entries;
  std::string name, hex, json;
  while (std::getline(in, name) && std::getline(in, hex) && std::getline(in, json)) {
    entries.push_back({name, from_hex(hex), json});
  }
  return entries;
}

void write_golden(const std::filesystem::path& file, const std::vector<Golden>& entries) {
  std::ofstream out(file);
  for (const Golden& entry : entries) {
    out << entry.name << '\n' << to_hex(entry.buffer) << '\n' << entry.json << '\n';
  }
  CHECK(out.flush().good());
}

std::string sample_json(const JsonSchema& schema, const std::string& table,
                        const std::string& member) {
  return sample_table(schema.table(table), member);
}

std::vector<std::string> union_members(const JsonSchema& schema, const std::string& table) {
  std::vector<std::string> names;
  for (const EnumPlan::Value& value : schema.table(table).union_value->enumeration->values) {
    names.push_back(value.name);
  }
  return names;
}

}  // namespace tenure
