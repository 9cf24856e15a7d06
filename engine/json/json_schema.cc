#include "engine/json/json_schema.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "flatbuffers/reflection.h"
#include "schemas/catalog_bfbs_generated.h"
#include "schemas/commands_bfbs_generated.h"
#include "schemas/decision_bfbs_generated.h"
#include "schemas/rulebook_bfbs_generated.h"

namespace tenure {

using namespace json;

namespace {

using reflection::BaseType;

std::string without_namespace(const flatbuffers::String* name) {
  const std::string full = name->str();
  return full.substr(full.rfind('.') + 1);
}

uint64_t zero_extended(int64_t value, uint8_t size) {
  const auto bits = static_cast<uint64_t>(value);
  return size == 8 ? bits : bits & ((uint64_t{1} << (8 * size)) - 1);
}

template <class Range>
std::string joined_names(const Range& range) {
  std::string names;
  for (const auto& named : range) {
    if (!names.empty()) names += ", ";
    names += named.name;
  }
  return names;
}

bool has_attribute(const reflection::Field& field, const char* name) {
  return field.attributes() && field.attributes()->LookupByKey(name);
}

bool is_signed(BaseType type) {
  return type == BaseType::Byte || type == BaseType::Short || type == BaseType::Int ||
         type == BaseType::Long;
}

// What stands in the buffer at the field, or in each element of its vector.
BaseType value_type(const reflection::Field& field) {
  const reflection::Type& type = *field.type();
  return type.base_type() == BaseType::Vector ? type.element() : type.base_type();
}

FieldKind kind_of(const reflection::Field& field, const reflection::Schema& schema) {
  const BaseType type = value_type(field);
  const int32_t index = field.type()->index();
  const bool is_vector = field.type()->base_type() == BaseType::Vector;
  switch (type) {
    case BaseType::Bool:
      return FieldKind::kBool;
    case BaseType::UType:
      return FieldKind::kUnionType;
    case BaseType::Union:
      CHECK(!is_vector);
      return FieldKind::kUnion;
    case BaseType::String:
      return FieldKind::kString;
    case BaseType::Obj: {
      const reflection::Object& object = *schema.objects()->Get(static_cast<uint32_t>(index));
      CHECK(!object.is_struct());
      if (without_namespace(object.name()) != "Sealed") return FieldKind::kTable;
      CHECK(!is_vector);
      return FieldKind::kSealed;
    }
    default:
      CHECK(flatbuffers::IsInteger(type));
      if (index >= 0) return FieldKind::kEnum;
      if (is_vector && type == BaseType::UByte) return FieldKind::kBytes;
      return has_attribute(field, "time") ? FieldKind::kTime : FieldKind::kInteger;
  }
}

// All but what it refers to.
FieldPlan field_plan(const reflection::Field& source, const reflection::Schema& schema) {
  FieldPlan field{};
  field.name = source.name()->str();
  append_json_string(field.name, field.key);
  field.key += ':';
  field.offset = source.offset();
  field.kind = kind_of(source, schema);
  field.is_vector = source.type()->base_type() == BaseType::Vector;
  field.is_map = has_attribute(source, "map");
  field.required = source.required();
  field.optional = source.optional();
  field.is_signed = is_signed(value_type(source));
  field.size = static_cast<uint8_t>(flatbuffers::GetTypeSize(value_type(source)));
  field.default_bits = zero_extended(source.default_integer(), field.size);
  return field;
}

// Once all fields are there: what the reader and the writer look up of the whole table.
void finish(TablePlan& plan) {
  CHECK(plan.fields.size() <= TablePlan::kMaxFields);
  for (FieldPlan& field : plan.fields) {
    const auto index = static_cast<uint8_t>(plan.index(field));
    plan.build_order.push_back(index);
    CHECK(!field.is_map || (field.is_vector && field.kind == FieldKind::kTable));
    if (field.kind == FieldKind::kUnion) {
      CHECK(plan.union_value == nullptr && index > 0);
      plan.union_value = &field;
      plan.union_type = &field - 1;
      CHECK(plan.union_type->kind == FieldKind::kUnionType);
      if (field.required) plan.required |= 1u << (index - 1);
    }
    if (field.required) plan.required |= 1u << index;
  }
  std::ranges::sort(plan.build_order, [&](uint8_t a, uint8_t b) {
    const uint8_t size_a = plan.fields[a].size, size_b = plan.fields[b].size;
    return size_a != size_b ? size_a > size_b : a < b;
  });
}

}  // namespace

const EnumPlan::Value* EnumPlan::find(std::string_view name) const {
  const auto found = std::ranges::find(values, name, &Value::name);
  return found == values.end() ? nullptr : &*found;
}

const EnumPlan::Value* EnumPlan::find(uint64_t bits) const {
  const auto found = std::ranges::find(values, bits, &Value::bits);
  return found == values.end() ? nullptr : &*found;
}

std::string EnumPlan::names() const { return joined_names(values); }

const FieldPlan* TablePlan::find(std::string_view field) const {
  const auto found = std::ranges::find(fields, field, &FieldPlan::name);
  return found == fields.end() ? nullptr : &*found;
}

std::string TablePlan::field_names() const { return joined_names(fields); }

JsonSchema::JsonSchema(std::span<const uint8_t> bfbs) {
  const reflection::Schema& schema = *reflection::GetSchema(bfbs.data());
  file_identifier_ = schema.file_ident() ? schema.file_ident()->str() : "";

  std::vector<TablePlan*> tables;
  for (const reflection::Object* object : *schema.objects()) {
    auto plan = std::make_unique<TablePlan>();
    plan->name = without_namespace(object->name());
    tables.push_back(plan.get());
    if (object == schema.root_table()) root_ = plan.get();
    tables_[plan->name] = std::move(plan);
  }
  for (const reflection::Enum* source : *schema.enums()) {
    auto plan = std::make_unique<EnumPlan>();
    const uint8_t size = flatbuffers::GetTypeSize(source->underlying_type()->base_type());
    for (const reflection::EnumVal* value : *source->values()) {
      const bool is_none = source->is_union() && value->value() == 0;
      if (is_none) continue;
      const TablePlan* member =
          source->is_union() ? tables[static_cast<size_t>(value->union_type()->index())] : nullptr;
      plan->values.push_back({value->name()->str(), zero_extended(value->value(), size), member});
    }
    enums_.push_back(std::move(plan));
  }

  for (size_t i = 0; i < tables.size(); ++i) {
    const reflection::Object& object = *schema.objects()->Get(static_cast<uint32_t>(i));
    std::vector<const reflection::Field*> by_id(object.fields()->begin(), object.fields()->end());
    std::ranges::sort(by_id, {}, [](const reflection::Field* field) { return field->id(); });
    for (const reflection::Field* source : by_id) {
      if (source->deprecated()) continue;
      FieldPlan field = field_plan(*source, schema);
      const auto index = static_cast<size_t>(source->type()->index());
      if (field.kind == FieldKind::kTable || field.kind == FieldKind::kSealed) {
        field.table = tables[index];
      } else if (source->type()->index() >= 0) {
        field.enumeration = enums_[index].get();
      }
      tables[i]->fields.push_back(std::move(field));
    }
    finish(*tables[i]);
  }
}

const TablePlan& JsonSchema::table(std::string_view name) const {
  const auto found = tables_.find(name);
  CHECK(found != tables_.end());
  return *found->second;
}

const JsonSchema& command_schema() {
  using Embedded = schema::CommandEnvelopeBinarySchema;
  static const JsonSchema plan(std::span(Embedded::data(), Embedded::size()));
  return plan;
}

const JsonSchema& decision_schema() {
  using Embedded = schema::DecisionBinarySchema;
  static const JsonSchema plan(std::span(Embedded::data(), Embedded::size()));
  return plan;
}

const JsonSchema& rulebook_schema() {
  using Embedded = schema::RulebookBinarySchema;
  static const JsonSchema plan(std::span(Embedded::data(), Embedded::size()));
  return plan;
}

const JsonSchema& catalog_schema() {
  using Embedded = schema::CatalogBinarySchema;
  static const JsonSchema plan(std::span(Embedded::data(), Embedded::size()));
  return plan;
}

}  // namespace tenure
