// What a caller may call things: ids and names, checked in one place.
#pragma once

#include <string>
#include <string_view>

namespace tenure {

// 1-128 of [A-Za-z0-9._:-], not beginning with `user:`, `group:` or `service:`, and not reserved.
bool is_valid_id(std::string_view id);

// True for ids and actors that only the engine may use: they begin with `system:` or are `system`,
// or begin with `_`.
bool is_reserved(std::string_view id);

// 1-200 characters of UTF-8, none of them a control character.
bool is_valid_name(std::string_view name);

// Two capital letters, as ISO 3166-1 has them for a country.
bool is_country(std::string_view text);

// Text from outside as a message may show it: in quotes, on one line, at most 64 bytes of it.
std::string in_quotes(std::string_view text);

}  // namespace tenure
