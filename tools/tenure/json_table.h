// JSON answers for people: lists as tables, everything else as `name  value`.
#pragma once

#include <string>
#include <string_view>

namespace tenure {

// `json` as the server sent it. Text that cannot be parsed is returned as it is.
std::string to_table(std::string_view json);

// Prints `body` on stdout: as it is for machines, as a table for people.
void print_answer(std::string_view body, bool json);

}  // namespace tenure
