// Building tables by their plan. Internal to engine/json and engine/personal.
//
// Values travel as uint64: the bits of a scalar, or the offset of what was built for the field.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/json/json_schema.h"

namespace tenure::json {

// What a table is built from: by index into its plan's fields.
struct FieldValues {
  std::array<uint64_t, TablePlan::kMaxFields> bits;
  uint32_t present = 0;

  bool has(size_t index) const { return present & (1u << index); }
  void set(size_t index, uint64_t value) {
    bits[index] = value;
    present |= 1u << index;
  }
};

inline flatbuffers::Offset<void> as_offset(uint64_t value) {
  return flatbuffers::Offset<void>(static_cast<flatbuffers::uoffset_t>(value));
}

uint64_t build_vector(flatbuffers::FlatBufferBuilder& builder, const FieldPlan& field,
                      std::span<const uint64_t> values);
uint64_t build_table(flatbuffers::FlatBufferBuilder& builder, const TablePlan& table,
                     const FieldValues& values);

}  // namespace tenure::json
