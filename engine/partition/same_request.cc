#include "engine/partition/same_request.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_schema.h"

namespace tenure {

using namespace json;

namespace {

using flatbuffers::Table;
using flatbuffers::Vector;

bool same_table(const TablePlan& plan, const Table& a, const Table& b);

uint64_t scalar_bits(const FieldPlan& field, const Table& table) {
  const uint8_t* at = table.GetAddressOf(field.offset);
  if (at == nullptr) return field.default_bits;
  uint64_t bits = 0;
  std::memcpy(&bits, at, field.size);
  return bits;
}

// What a vector's bytes are, if its elements are scalars; its strings or tables one by one, if not.
bool same_vector(const FieldPlan& field, const uint8_t* a, const uint8_t* b) {
  const auto& raw_a = *reinterpret_cast<const Vector<uint8_t>*>(a);
  const auto& raw_b = *reinterpret_cast<const Vector<uint8_t>*>(b);
  if (raw_a.size() != raw_b.size()) return false;
  if (field.kind != FieldKind::kString && field.kind != FieldKind::kTable) {
    return std::memcmp(raw_a.data(), raw_b.data(), size_t{raw_a.size()} * field.size) == 0;
  }
  const auto& items_a = *reinterpret_cast<const Vector<flatbuffers::Offset<Table>>*>(a);
  const auto& items_b = *reinterpret_cast<const Vector<flatbuffers::Offset<Table>>*>(b);
  for (flatbuffers::uoffset_t i = 0; i < items_a.size(); i++) {
    if (field.kind == FieldKind::kTable) {
      if (!same_table(*field.table, *items_a[i], *items_b[i])) return false;
      continue;
    }
    const auto* text_a = reinterpret_cast<const flatbuffers::String*>(items_a[i]);
    const auto* text_b = reinterpret_cast<const flatbuffers::String*>(items_b[i]);
    if (text_a->string_view() != text_b->string_view()) return false;
  }
  return true;
}

bool same_field(const TablePlan& plan, const FieldPlan& field, const Table& a, const Table& b) {
  if (is_scalar(field.kind) && !field.is_vector) {
    const bool there = !field.optional || a.CheckField(field.offset) == b.CheckField(field.offset);
    return there && scalar_bits(field, a) == scalar_bits(field, b);
  }
  const auto* in_a = a.GetPointer<const uint8_t*>(field.offset);
  const auto* in_b = b.GetPointer<const uint8_t*>(field.offset);
  if (in_a == nullptr || in_b == nullptr) return in_a == in_b;
  if (field.is_vector || field.kind == FieldKind::kBytes) return same_vector(field, in_a, in_b);
  const auto& table_a = *reinterpret_cast<const Table*>(in_a);
  const auto& table_b = *reinterpret_cast<const Table*>(in_b);
  switch (field.kind) {
    case FieldKind::kString:
      return reinterpret_cast<const flatbuffers::String*>(in_a)->string_view() ==
             reinterpret_cast<const flatbuffers::String*>(in_b)->string_view();
    case FieldKind::kSealed:
    case FieldKind::kTable:
      return same_table(*field.table, table_a, table_b);
    case FieldKind::kUnion: {
      // The type stands before the value, and was the same.
      const auto* member = field.enumeration->find(scalar_bits(*plan.union_type, a));
      return member != nullptr && same_table(*member->table, table_a, table_b);
    }
    case FieldKind::kBool:
    case FieldKind::kInteger:
    case FieldKind::kEnum:
    case FieldKind::kTime:
    case FieldKind::kUnionType:
    case FieldKind::kBytes:
      break;
  }
  CHECK(false);
  return false;
}

bool same_table(const TablePlan& plan, const Table& a, const Table& b) {
  for (const FieldPlan& field : plan.fields) {
    if (!same_field(plan, field, a, b)) return false;
  }
  return true;
}

}  // namespace

bool same_key(const schema::CommandEnvelope& a, const schema::CommandEnvelope& b) {
  return a.org()->string_view() == b.org()->string_view() &&
         a.actor()->string_view() == b.actor()->string_view() &&
         a.id()->string_view() == b.id()->string_view();
}

bool same_request(const schema::CommandEnvelope& a, const schema::CommandEnvelope& b) {
  const TablePlan& plan = command_schema().root();
  return std::ranges::all_of(plan.fields, [&](const FieldPlan& field) {
    // A retry makes another key, and may come another way.
    return field.offset == schema::CommandEnvelope::VT_KEY_HASH ||
           field.offset == schema::CommandEnvelope::VT_SENT_BY ||
           same_field(plan, field, reinterpret_cast<const Table&>(a),
                      reinterpret_cast<const Table&>(b));
  });
}

}  // namespace tenure
