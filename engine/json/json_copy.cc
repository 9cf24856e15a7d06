#include "engine/json/json_copy.h"

#include <vector>

#include "engine/json/json_wire.h"

namespace tenure::json {

using flatbuffers::Table;

FieldValues TableCopy::copy_fields(const TablePlan& plan, const Table& table) {
  FieldValues values;
  for (const FieldPlan& field : plan.fields) {
    const uint8_t* at = table.GetAddressOf(field.offset);
    if (at) values.set(plan.index(field), copy_field(plan, field, table, at));
  }
  return values;
}

uint64_t TableCopy::copy_field(const TablePlan& plan, const FieldPlan& field, const Table& table,
                               const uint8_t* at) {
  if (field.kind == FieldKind::kUnion) {
    return copy_table(*union_member(plan, table)->table, follow<Table>(at));
  }
  if (!field.is_vector) return copy_value(plan, field, at);
  const auto& vector = follow<AnyVector>(at);
  std::vector<uint64_t> elements;
  elements.reserve(vector.size());
  for (size_t i = 0; i < vector.size(); ++i) {
    elements.push_back(copy_value(plan, field, vector.Data() + i * field.size));
  }
  return build_vector(builder_, field, elements);
}

uint64_t TableCopy::copy_value(const TablePlan& plan, const FieldPlan& field, const uint8_t* at) {
  if (is_scalar(field.kind)) return load_scalar(at, field.size);
  if (field.kind == FieldKind::kString) {
    return builder_.CreateString(&follow<flatbuffers::String>(at)).o;
  }
  if (field.kind == FieldKind::kSealed) {
    return copy_sealed(plan, field, follow<schema::Sealed>(at));
  }
  return copy_table(*field.table, follow<Table>(at));
}

uint64_t TableCopy::copy_sealed(const TablePlan&, const FieldPlan& field,
                                const schema::Sealed& sealed) {
  return copy_table(*field.table, reinterpret_cast<const Table&>(sealed));
}

}  // namespace tenure::json
