#include "engine/json/json_event.h"

#include <set>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_schema.h"
#include "engine/json/json_wire.h"

namespace tenure {

using namespace json;

namespace {

const EnumPlan& event_plans() {
  static const EnumPlan& plans = *decision_schema().table("EventBox").union_value->enumeration;
  return plans;
}

const EnumPlan::Value& plan_of(std::string_view event_type) {
  const EnumPlan::Value* found = event_plans().find(event_type);
  CHECK(found != nullptr && found->table != nullptr);
  return *found;
}

// Writes a table and, behind it, those that it refers to.
class SchemaText {
 public:
  std::string write(const EnumPlan::Value& event) {
    out_ = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":)";
    append_json_string(event_schema_id(event.name), out_);
    out_ += R"(,"title":)";
    append_json_string(event.name, out_);
    out_ += ',';
    append_members(*event.table);
    append_definitions();
    out_ += '}';
    return std::move(out_);
  }

 private:
  void append_members(const TablePlan& table) {
    out_ += R"("type":"object","properties":{)";
    std::string required;
    for (const FieldPlan& field : table.fields) {
      if (field.kind == FieldKind::kBytes) continue;
      if (out_.back() != '{') out_ += ',';
      out_ += field.key;
      append_field(field);
      if (!is_always_there(field)) continue;
      if (!required.empty()) required += ',';
      append_json_string(field.name, required);
    }
    out_ += '}';
    if (!required.empty()) out_ += R"(,"required":[)" + required + ']';
  }

  static bool is_always_there(const FieldPlan& field) {
    if (field.kind == FieldKind::kSealed) return false;
    return field.required || (is_scalar(field.kind) && !field.is_vector && !field.optional &&
                              field.kind != FieldKind::kUnionType);
  }

  void append_field(const FieldPlan& field) {
    if (field.is_map) {
      out_ += R"({"type":"object","additionalProperties":{"type":"string"}})";
    } else if (field.is_vector) {
      out_ += R"({"type":"array","items":)";
      append_value(field);
      out_ += '}';
    } else {
      append_value(field);
    }
  }

  void append_value(const FieldPlan& field) {
    switch (field.kind) {
      case FieldKind::kBool:
        out_ += R"({"type":"boolean"})";
        return;
      case FieldKind::kInteger:
        out_ += field.is_signed ? R"({"type":"integer"})" : R"({"type":"integer","minimum":0})";
        return;
      case FieldKind::kTime:
        out_ += R"({"type":"string","format":"date-time"})";
        return;
      case FieldKind::kString:
      case FieldKind::kSealed:
        out_ += R"({"type":"string"})";
        return;
      case FieldKind::kEnum:
      case FieldKind::kUnionType:
        append_names(*field.enumeration);
        return;
      case FieldKind::kTable:
        append_reference(*field.table);
        return;
      case FieldKind::kUnion:
        append_choice(*field.enumeration);
        return;
      case FieldKind::kBytes:
        break;
    }
    CHECK(false);
  }

  void append_names(const EnumPlan& names) {
    out_ += R"({"enum":[)";
    for (const EnumPlan::Value& value : names.values) {
      if (out_.back() != '[') out_ += ',';
      append_json_string(value.name, out_);
    }
    out_ += "]}";
  }

  void append_choice(const EnumPlan& members) {
    out_ += R"({"anyOf":[)";
    for (const EnumPlan::Value& member : members.values) {
      if (member.table == nullptr) continue;
      if (out_.back() != '[') out_ += ',';
      append_reference(*member.table);
    }
    out_ += "]}";
  }

  void append_reference(const TablePlan& table) {
    out_ += R"({"$ref":"#/$defs/)" + table.name + R"("})";
    if (referred_.insert(&table).second) to_write_.push_back(&table);
  }

  void append_definitions() {
    if (to_write_.empty()) return;
    out_ += R"(,"$defs":{)";
    while (!to_write_.empty()) {
      const TablePlan& table = *to_write_.back();
      to_write_.pop_back();
      if (out_.back() != '{') out_ += ',';
      append_json_string(table.name, out_);
      out_ += ":{";
      append_members(table);
      out_ += '}';
    }
    out_ += '}';
  }

  std::string out_;
  std::set<const TablePlan*> referred_;
  std::vector<const TablePlan*> to_write_;
};

}  // namespace

std::vector<std::string_view> event_types() {
  std::vector<std::string_view> types;
  for (const EnumPlan::Value& value : event_plans().values) {
    if (value.table != nullptr) types.emplace_back(value.name);
  }
  return types;
}

std::string_view event_text(const schema::EventBox& box, std::string_view field) {
  const EnumPlan::Value* event = event_plans().find(static_cast<uint64_t>(box.event_type()));
  const FieldPlan* found = event != nullptr ? event->table->find(field) : nullptr;
  if (found == nullptr || found->kind != FieldKind::kString || found->is_vector) return {};
  const uint8_t* at =
      static_cast<const flatbuffers::Table*>(box.event())->GetAddressOf(found->offset);
  return at != nullptr ? view(follow<flatbuffers::String>(at)) : std::string_view{};
}

std::string event_json_schema(std::string_view event_type) {
  return SchemaText().write(plan_of(event_type));
}

std::string event_schema_id(std::string_view event_type) {
  return "urn:tenure:schema:event:" + std::string(event_type);
}

}  // namespace tenure
