// Reading a verified FlatBuffer by its plan, without generated accessors. Internal to engine/json.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/json/json_schema.h"

namespace tenure::json {

inline std::string_view view(const flatbuffers::String& text) {
  return {text.c_str(), text.size()};
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
