#include "engine/json/json_build.h"

#include <ranges>

namespace tenure {

using namespace json;

namespace {

// Gives `add` the value in its stored type.
template <class Add>
void with_stored_type(const FieldPlan& field, uint64_t bits, Add add) {
  switch (field.size) {
    case 1:
      return add(static_cast<uint8_t>(bits));
    case 2:
      return add(static_cast<uint16_t>(bits));
    case 4:
      return add(static_cast<uint32_t>(bits));
    default:
      return add(bits);
  }
}

}  // namespace

uint64_t json::build_vector(flatbuffers::FlatBufferBuilder& builder, const FieldPlan& field,
                            std::span<const uint64_t> values) {
  builder.StartVector(values.size(), field.size);
  for (const uint64_t value : values | std::views::reverse) {
    if (is_scalar(field.kind)) {
      with_stored_type(field, value, [&](auto typed) { builder.PushElement(typed); });
    } else {
      builder.PushElement(as_offset(value));
    }
  }
  return builder.EndVector(values.size());
}

uint64_t json::build_table(flatbuffers::FlatBufferBuilder& builder, const TablePlan& table,
                           const FieldValues& values) {
  const flatbuffers::uoffset_t start = builder.StartTable();
  for (const uint8_t index : table.build_order) {
    if (!values.has(index)) continue;
    const FieldPlan& field = table.fields[index];
    const uint64_t value = values.bits[index];
    if (field.is_vector || !is_scalar(field.kind)) {
      builder.AddOffset(field.offset, as_offset(value));
    } else if (field.optional || value != field.default_bits) {
      with_stored_type(field, value, [&](auto typed) { builder.AddElement(field.offset, typed); });
    }
  }
  return builder.EndTable(start);
}

}  // namespace tenure
