// What a change of a schema would break for those who hold older buffers, older JSON or older code.
//
// flatc --conform alone lets renames and dropped tables pass; clients match on names, so here a
// name is as permanent as a number. The rules are written out in schemas/README.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tenure {

// Everything of `released` that `current` no longer keeps, and everything that it adds in a way old
// buffers cannot satisfy; a line each. Both are compiled schemas (.bfbs).
std::vector<std::string> incompatibilities(std::span<const uint8_t> released,
                                           std::span<const uint8_t> current);

// The fields, as "AddMember.user", that rely on their order for an id.
std::vector<std::string> fields_without_explicit_id(std::span<const uint8_t> schema);

}  // namespace tenure
