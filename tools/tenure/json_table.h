// JSON answers for people: lists as tables, everything else as `name  value`.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace tenure {

// `json` as the server sent it. Text that cannot be parsed is returned as it is.
std::string to_table(std::string_view json);

// What is in one, on one line: `name=value` of an object, values with commas of a list.
std::string to_cell(simdjson::dom::element value);

// What a terminal would obey is not shown.
std::string printable(std::string text);

// Prints `body` on stdout: as it is for machines, as a table for people.
void print_answer(std::string_view body, bool json);
// The same with another way to show it to people; what cannot be parsed is printed as it is.
void print_answer(std::string_view body, bool json, void (*for_people)(simdjson::dom::element));

}  // namespace tenure
