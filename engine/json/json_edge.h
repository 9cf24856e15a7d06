// JSON at the edges, driven by the compiled schema: one walk for every table, no code per command
// or event.
//
// In: any key order, times as RFC 3339, unknown and repeated fields refused by name, unions as
// `x_type` + `x`, a Sealed as the string that becomes its `clear`. No null: a field is left out.
// Out: compact, absent fields left out (a scalar that is not optional always has a value, so it is
// always written), integers as numbers, enums by name, times as RFC 3339 UTC with microseconds.
// Byte vectors have no JSON form: refused going in, left out going out.
// Schemas are immutable and safe from any thread; each thread has a JsonReader of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

namespace schema {
struct Sealed;
}

class JsonSchema;  // the compiled plan of a .bfbs (json_schema.h)

// Opens sealed text for a reader who may see it. Without one, sealed text is left out.
class Unsealer {
 public:
  virtual ~Unsealer() = default;
  // Nothing if it cannot be opened any more: its key was destroyed.
  virtual std::optional<std::string> unseal(const schema::Sealed& sealed) const = 0;
};

// The schemas that this build was compiled with.
const JsonSchema& command_schema();   // root CommandEnvelope
const JsonSchema& decision_schema();  // root Decision, and every event and command by name
const JsonSchema& rulebook_schema();
const JsonSchema& catalog_schema();

// Parses JSON into finished FlatBuffers. One per thread: it keeps its parser and buffers between
// calls.
class JsonReader {
 public:
  // Reads `table_type`, by default the schema's root. Only the root gets the file identifier.
  explicit JsonReader(const JsonSchema& schema, std::string_view table_type = {});
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;

  // The finished buffer; valid until the next call. kInvalid: what is wrong, which field, at most
  // one line. Depth at most 16; the caller bounds the size.
  Result<std::span<const uint8_t>> read(std::string_view json);

  // Where in the JSON the last error of read() stands: "organization_roles[1].actions". Empty: it
  // is about the whole.
  std::string_view error_path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What may still be wrong with a verified buffer of the schema's root table: a string that is not
// UTF-8, or parts that are referred to so often that writing each reference out takes more than
// `max_expanded` bytes (a FlatBuffer may alias: a small one can stand for gigabytes).
Result<void> check_contents(const JsonSchema& schema, const void* root, size_t max_expanded);

// Appends `table` (of the named type in `schema`) to `out` as a JSON object.
void write_json(const JsonSchema& schema, std::string_view table_type, const void* table,
                std::string& out, const Unsealer* unsealer = nullptr);

// The decision as clients read it (DESIGN, Surface): position, org, version, time, actor,
// command_id, command_type, outcome, events or rejection (then with the command attempted), reason
// if it may be shown, rulebook. `payload` is a verified schema::Decision. `to_outsider`: to
// somebody who was refused as no member, and hears of the organization what there is to say of one
// that is not there: version 0 and no rulebook.
void write_decision_json(std::string_view position, std::span<const std::byte> payload,
                         std::string& out, const Unsealer* unsealer = nullptr,
                         bool to_outsider = false);

// Helpers shared by everything that writes JSON by hand.

// Quoted and escaped. Bytes that are not UTF-8 become U+FFFD: what comes out is always JSON.
void append_json_string(std::string_view text, std::string& out);

// 2026-11-23T14:21:00.000000Z. Outside the years 0000 to 9999, which RFC 3339 cannot say: the
// microseconds since the Unix epoch.
std::string format_time(int64_t micros);

// The reverse, exactly: UTC (`Z`) only, no fraction or 1 to 6 digits of one, no leap second.
Result<int64_t> parse_time(std::string_view rfc3339);

}  // namespace tenure
