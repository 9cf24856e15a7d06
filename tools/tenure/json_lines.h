// Where in a JSON text things stand, for messages about it. Immutable once made.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tenure {

class JsonLines {
 public:
  // Walks `json` as far as it is JSON, nested at most 16 deep.
  explicit JsonLines(std::string_view json);

  // The line, from 1, of what `path` ("roles[1].name") leads to: of its key, where it has one. Of
  // what is nearest around it, where it is not there.
  size_t line_of(std::string_view path) const;

  // The line where the text stops being JSON; nothing if it is JSON to its end.
  std::optional<size_t> broken_at() const { return broken_at_; }

 private:
  std::map<std::string, size_t, std::less<>> lines_;  // by path; "" is the whole
  std::optional<size_t> broken_at_;
};

}  // namespace tenure
