// Strings of a FlatBuffer, read in place.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <string_view>

namespace tenure {

using Texts = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

// Absent is empty.
inline std::string_view text(const flatbuffers::String* string) {
  return string == nullptr ? std::string_view{} : string->string_view();
}

}  // namespace tenure
