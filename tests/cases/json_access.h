// Reading test data with simdjson: what is not there is empty.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace tenure {

using JsonElement = simdjson::dom::element;

inline bool has(const JsonElement& object, std::string_view key) {
  return object[key].error() == simdjson::SUCCESS;
}

inline std::string_view string_at(const JsonElement& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? value : std::string_view{};
}

// By value, so that a loop over the result keeps it alive. Only for what is there.
inline JsonElement at(const JsonElement& object, std::string_view key) {
  return object[key].value();
}
inline simdjson::dom::array array_at(const JsonElement& object, std::string_view key) {
  return object[key].get_array().value();
}
inline simdjson::dom::object object_at(const JsonElement& object, std::string_view key) {
  return object[key].get_object().value();
}

inline std::string json_text(const JsonElement& json) { return simdjson::minify(json); }

inline void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t found = text.find(what); found != std::string::npos; found = text.find(what, found)) {
    text.replace(found, what.size(), with);
    found += with.size();
  }
}

}  // namespace tenure
