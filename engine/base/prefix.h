// Ranges of keys in the order of their bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tenure {

// The first key after all that begin with `prefix`; empty if there is none.
inline std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

}  // namespace tenure
