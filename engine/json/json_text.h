// The pieces of text that the reader and the writer share. Internal to engine/json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/json/json_edge.h"

namespace tenure::json {

void append_time(int64_t micros, std::string& out);  // as format_time, without a string of its own

bool is_utf8(std::string_view text);

// `text` as it may stand in a message: quoted, escaped, clipped to 64 bytes.
std::string quoted(std::string_view text);

}  // namespace tenure::json
