// Reading a verified FlatBuffer by its plan, without generated accessors. Internal to engine/json
// and engine/personal.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/json/json_schema.h"

namespace tenure::json {

inline std::string_view view(const flatbuffers::String& text) {
  return {text.c_str(), text.size()};
}

// A scalar's bits, zero-extended.
inline uint64_t load_scalar(const uint8_t* at, uint8_t size) {
  switch (size) {
    case 1:
      return flatbuffers::ReadScalar<uint8_t>(at);
    case 2:
      return flatbuffers::ReadScalar<uint16_t>(at);
    case 4:
      return flatbuffers::ReadScalar<uint32_t>(at);
    default:
      return flatbuffers::ReadScalar<uint64_t>(at);
  }
}

// What the offset stored at `at` leads to.
template <class T>
const T& follow(const uint8_t* at) {
  return *reinterpret_cast<const T*>(at + flatbuffers::ReadScalar<flatbuffers::uoffset_t>(at));
}

// The member that a union of `table` holds; null if none, or one this build does not know.
inline const EnumPlan::Value* union_member(const TablePlan& plan, const flatbuffers::Table& table) {
  return plan.union_value->enumeration->find(table.GetField<uint8_t>(plan.union_type->offset, 0));
}

// Vectors of any element type: their length, and where their elements begin.
using AnyVector = flatbuffers::Vector<uint8_t>;

}  // namespace tenure::json
