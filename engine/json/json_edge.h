// JSON at the edges, driven by the compiled schema: one walk for every table, no code per command
// or event.
//
// In: any key order, times as RFC 3339, unknown fields refused by name, unions as `x_type` + `x`.
// Out: compact, absent fields left out, integers as numbers, enums by name, times as RFC 3339 UTC
// with microseconds. Immutable after create(); safe from any thread, each thread with a JsonReader
// of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

class JsonSchema;  // the compiled plan of a .bfbs

// The schemas that this build was compiled with.
const JsonSchema& command_schema();   // root CommandEnvelope
const JsonSchema& decision_schema();  // root Decision, and every event and command by name
const JsonSchema& rulebook_schema();
const JsonSchema& catalog_schema();

// Parses JSON into finished FlatBuffers. One per thread: it keeps its parser and buffers between
// calls.
class JsonReader {
 public:
  explicit JsonReader(const JsonSchema& schema);
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;

  // The finished root buffer; valid until the next call. kInvalid: what is wrong, which field, at
  // most one line. Depth at most 16; the caller bounds the size.
  Result<std::span<const uint8_t>> read(std::string_view json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Appends `table` (of the named type in `schema`) to `out` as a JSON object.
void write_json(const JsonSchema& schema, std::string_view table_type, const void* table,
                std::string& out);

// The decision as clients read it (DESIGN, Surface): position, org, version, time, actor,
// command_id, command_type, outcome, events or rejection (then with the command attempted),
// rulebook. `payload` is a verified schema::Decision.
void write_decision_json(std::string_view position, std::span<const std::byte> payload,
                         std::string& out);

// Helpers shared by everything that writes JSON by hand.
void append_json_string(std::string_view text, std::string& out);
std::string format_time(int64_t micros);  // 2026-11-23T14:21:00.000000Z
Result<int64_t> parse_time(std::string_view rfc3339);

}  // namespace tenure
