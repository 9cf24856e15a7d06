// The plan of a compiled schema: what the reader and the writer need of each table, taken once from
// the reflection buffer (.bfbs) that flatc made of the .fbs files.
//
// Internal to engine/json and engine/personal. A schema that uses what the plan does not know
// (structs, floats, vectors of unions or of Sealed, two unions in a table) is a broken invariant of
// the build.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flatbuffers/flatbuffers.h"

namespace tenure {
namespace json {

enum class FieldKind : uint8_t {
  kBool,
  kInteger,
  kEnum,
  kTime,  // attribute `time`: a long of microseconds, RFC 3339 in JSON
  kString,
  kSealed,  // the table Sealed: a string in JSON
  kTable,
  kUnionType,  // which member the union beside it holds
  kUnion,
  kBytes,  // [ubyte]: no JSON form
};

// Whether the value, or each element of a vector of it, stands in place and not behind an offset.
constexpr bool is_scalar(FieldKind kind) {
  return kind == FieldKind::kBool || kind == FieldKind::kInteger || kind == FieldKind::kEnum ||
         kind == FieldKind::kTime || kind == FieldKind::kUnionType || kind == FieldKind::kBytes;
}

struct TablePlan;

struct EnumPlan {
  struct Value {
    std::string name;
    uint64_t bits;           // as stored, zero-extended
    const TablePlan* table;  // the member of a union; null for an enum
  };
  std::vector<Value> values;

  const Value* find(std::string_view name) const;
  const Value* find(uint64_t bits) const;
  std::string names() const;  // "gauge, counter", for messages
};

struct FieldPlan {
  std::string name;
  std::string key;  // `"name":`, ready to be written
  flatbuffers::voffset_t offset;
  FieldKind kind;
  bool is_vector;
  bool is_map;  // attribute `map`: a vector of tables of two strings, one object in JSON
  bool required;
  bool optional;                          // a scalar with "none" as its default
  bool is_signed;                         // scalars only, as the three below
  uint8_t size;                           // bytes in the buffer; of an element, if a vector
  uint64_t default_bits;                  // zero-extended from `size`
  const EnumPlan* enumeration = nullptr;  // kEnum, kUnionType, kUnion
  const TablePlan* table = nullptr;       // kTable, kSealed
};

struct TablePlan {
  static constexpr size_t kMaxFields = 32;

  std::string name;                  // without the namespace
  std::vector<FieldPlan> fields;     // by id; deprecated ones are left out
  std::vector<uint8_t> build_order;  // indexes of `fields`, largest scalars first: no padding
  uint32_t required = 0;             // bit i: fields[i] is required
  const FieldPlan* union_type = nullptr;
  const FieldPlan* union_value = nullptr;

  const FieldPlan* find(std::string_view field) const;
  size_t index(const FieldPlan& field) const { return static_cast<size_t>(&field - fields.data()); }
  std::string field_names() const;  // "user, role", for messages
};

}  // namespace json

class JsonSchema {
 public:
  // `bfbs` is trusted: it comes from flatc. It is not needed afterwards.
  explicit JsonSchema(std::span<const uint8_t> bfbs);
  JsonSchema(const JsonSchema&) = delete;

  const json::TablePlan& root() const { return *root_; }
  const std::string& file_identifier() const { return file_identifier_; }
  const json::TablePlan& table(std::string_view name) const;  // must be there

 private:
  std::map<std::string, std::unique_ptr<json::TablePlan>, std::less<>> tables_;
  std::vector<std::unique_ptr<json::EnumPlan>> enums_;
  const json::TablePlan* root_ = nullptr;
  std::string file_identifier_;
};

}  // namespace tenure
