#include <simdjson.h>

#include <bit>
#include <optional>
#include <set>

#include "engine/base/check.h"
#include "engine/json/json_build.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_text.h"
#include "schemas/commands_generated.h"

namespace tenure {

using namespace json;

namespace {

namespace dom = simdjson::dom;
using flatbuffers::uoffset_t;

constexpr size_t kMaxDepth = 16;
constexpr size_t kUsualSize = 4096;

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorKind::kInvalid, std::move(message));
}

std::unexpected<Error> must_be(const FieldPlan& field, const TablePlan& table,
                               std::string_view what) {
  return invalid("field \"" + field.name + "\" in " + table.name + " must be " + std::string(what));
}

std::unexpected<Error> missing_field(const TablePlan& table, const FieldPlan& field) {
  return invalid("missing field \"" + field.name + "\" in " + table.name);
}

std::unexpected<Error> not_json(simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR) return invalid("nested deeper than 16; make it flatter");
  if (code == simdjson::UTF8_ERROR) return invalid("not UTF-8");
  if (code == simdjson::EMPTY) return invalid("empty; expected a JSON object");
  if (code == simdjson::NUMBER_ERROR) {
    return invalid("a number is malformed or larger than 64 bits");
  }
  return invalid("not valid JSON");
}

uint64_t largest(const FieldPlan& field) {
  return ~uint64_t{0} >> (64 - 8 * field.size + (field.is_signed ? 1 : 0));
}

// The value as its field stores it, zero-extended; nothing if it is not a whole number in range.
std::optional<uint64_t> integer_bits(const FieldPlan& field, const dom::element& value) {
  const uint64_t max = largest(field);
  int64_t integer;
  uint64_t large;
  if (value.get(integer) == simdjson::SUCCESS) {
    if (integer >= 0) {
      if (static_cast<uint64_t>(integer) > max) return std::nullopt;
      return static_cast<uint64_t>(integer);
    }
    if (!field.is_signed || integer < -static_cast<int64_t>(max) - 1) return std::nullopt;
    return static_cast<uint64_t>(integer) & (max * 2 + 1);
  }
  if (value.get(large) == simdjson::SUCCESS && large <= max) return large;
  return std::nullopt;
}

std::string whole_number_range(const FieldPlan& field) {
  const uint64_t max = largest(field);
  std::string text = "a whole number from ";
  if (field.is_signed) text += '-';
  text += std::to_string(field.is_signed ? max + 1 : 0);
  return text + " to " + std::to_string(max);
}

}  // namespace

struct JsonReader::Impl {
  Impl(const JsonSchema& json_schema, const TablePlan& table) : schema(json_schema), root(table) {
    // simdjson refuses what reaches its limit, not what exceeds it.
    CHECK(parser.allocate(kUsualSize, kMaxDepth + 1) == simdjson::SUCCESS);
  }

  Result<uint64_t> read_table(const TablePlan& table, const dom::object& object);
  Result<void> read_union(const TablePlan& table, const dom::element& value, FieldValues& values);
  Result<uint64_t> read_field(const TablePlan& table, const FieldPlan& field,
                              const dom::element& value);
  Result<uint64_t> read_map(const TablePlan& table, const FieldPlan& field,
                            const dom::element& value);
  Result<uint64_t> read_value(const TablePlan& table, const FieldPlan& field,
                              const dom::element& value);
  Result<uint64_t> read_name(const TablePlan& table, const FieldPlan& field,
                             const dom::element& value);

  // An error on its way out of what `step` leads to.
  std::unexpected<Error> within(const std::string& step, Error error) {
    error_path.insert(0, step);
    return std::unexpected(std::move(error));
  }

  const JsonSchema& schema;
  const TablePlan& root;
  dom::parser parser;
  flatbuffers::FlatBufferBuilder builder;
  std::vector<uint64_t> elements;  // a stack: the elements of the vectors being read
  std::string error_path;          // each step with its dot or in its brackets
};

Result<uint64_t> JsonReader::Impl::read_table(const TablePlan& table, const dom::object& object) {
  FieldValues values;
  dom::element union_value;
  for (const auto [key, value] : object) {
    const FieldPlan* field = table.find(key);
    const auto in_field = [&](Error error) {
      return within(std::string(".").append(key), std::move(error));
    };
    if (!field) {
      return in_field({ErrorKind::kInvalid, "unknown field " + quoted(key) + " in " + table.name +
                                                "; known are: " + table.field_names()});
    }
    const size_t index = table.index(*field);
    if (values.has(index)) {
      return in_field(
          {ErrorKind::kInvalid, "field \"" + field->name + "\" stands twice in " + table.name});
    }
    if (field->kind == FieldKind::kUnion) {
      union_value = value;
      values.set(index, 0);
    } else {
      auto read = read_field(table, *field, value);
      if (!read) return in_field(std::move(read).error());
      values.set(index, *read);
    }
  }
  if (const uint32_t missing = table.required & ~values.present) {
    return missing_field(table, table.fields[static_cast<size_t>(std::countr_zero(missing))]);
  }
  if (table.union_value) TRY(read_union(table, union_value, values));
  return build_table(builder, table, values);
}

// Once all keys are read: the type may stand after the value.
Result<void> JsonReader::Impl::read_union(const TablePlan& table, const dom::element& value,
                                          FieldValues& values) {
  const size_t type = table.index(*table.union_type), place = table.index(*table.union_value);
  if (!values.has(type) && !values.has(place)) return {};
  if (!values.has(type)) return missing_field(table, *table.union_type);
  if (!values.has(place)) return missing_field(table, *table.union_value);
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return must_be(*table.union_value, table, "an object");
  }
  const EnumPlan::Value& member = *table.union_value->enumeration->find(values.bits[type]);
  auto read = read_table(*member.table, object);
  if (!read)
    return within(std::string(".").append(table.union_value->name), std::move(read).error());
  values.set(place, *read);
  return {};
}

Result<uint64_t> JsonReader::Impl::read_field(const TablePlan& table, const FieldPlan& field,
                                              const dom::element& value) {
  if (value.is_null()) {
    return invalid("field \"" + field.name + "\" in " + table.name +
                   " is null; leave it out instead");
  }
  if (field.kind == FieldKind::kBytes) {
    return invalid("field \"" + field.name + "\" in " + table.name + " cannot be set by JSON");
  }
  if (field.is_map) return read_map(table, field, value);
  if (!field.is_vector) return read_value(table, field, value);
  dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return must_be(field, table, "an array");
  const size_t begin = elements.size();
  for (const dom::element element : array) {
    auto read = read_value(table, field, element);
    if (!read) {
      const std::string step = std::to_string(elements.size() - begin);
      elements.resize(begin);
      return within(std::string("[").append(step).append("]"), std::move(read).error());
    }
    elements.push_back(*read);
  }
  const uint64_t vector = build_vector(builder, field, std::span(elements).subspan(begin));
  elements.resize(begin);
  return vector;
}

// An entry is a table whose first two fields are the strings key and value.
Result<uint64_t> JsonReader::Impl::read_map(const TablePlan& table, const FieldPlan& field,
                                            const dom::element& value) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return must_be(field, table, "an object");
  const size_t begin = elements.size();
  std::set<std::string_view> keys;
  for (const auto [key, mapped] : object) {
    if (!keys.insert(key).second) {
      return invalid(quoted(key) + " stands twice in field \"" + field.name + "\"");
    }
    std::string_view text;
    if (mapped.get(text) != simdjson::SUCCESS) {
      return must_be(field, table, "an object of strings");
    }
    FieldValues entry;
    entry.set(0, builder.CreateString(key.data(), key.size()).o);
    entry.set(1, builder.CreateString(text.data(), text.size()).o);
    elements.push_back(build_table(builder, *field.table, entry));
  }
  const uint64_t vector = build_vector(builder, field, std::span(elements).subspan(begin));
  elements.resize(begin);
  return vector;
}

Result<uint64_t> JsonReader::Impl::read_value(const TablePlan& table, const FieldPlan& field,
                                              const dom::element& value) {
  switch (field.kind) {
    case FieldKind::kBool: {
      bool yes;
      if (value.get(yes) != simdjson::SUCCESS) return must_be(field, table, "true or false");
      return yes;
    }
    case FieldKind::kInteger: {
      const std::optional<uint64_t> bits = integer_bits(field, value);
      if (!bits) return must_be(field, table, whole_number_range(field));
      return *bits;
    }
    case FieldKind::kTable: {
      dom::object object;
      if (value.get(object) != simdjson::SUCCESS) return must_be(field, table, "an object");
      return read_table(*field.table, object);
    }
    case FieldKind::kEnum:
    case FieldKind::kUnionType:
      return read_name(table, field, value);
    case FieldKind::kTime:
    case FieldKind::kString:
    case FieldKind::kSealed:
      break;
    case FieldKind::kUnion:
    case FieldKind::kBytes:
      CHECK(false);
  }
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return must_be(field, table, "a string");
  if (field.kind == FieldKind::kTime) {
    const Result<int64_t> time = parse_time(text);
    if (!time) {
      return invalid("field \"" + field.name + "\" in " + table.name + ": " + time.error().message);
    }
    return static_cast<uint64_t>(*time);
  }
  const auto string = builder.CreateString(text.data(), text.size());
  if (field.kind == FieldKind::kString) return string.o;
  return schema::CreateSealed(builder, string).o;
}

Result<uint64_t> JsonReader::Impl::read_name(const TablePlan& table, const FieldPlan& field,
                                             const dom::element& value) {
  std::string_view name;
  if (value.get(name) != simdjson::SUCCESS) return must_be(field, table, "a string");
  const EnumPlan::Value* known = field.enumeration->find(name);
  if (!known) {
    return invalid("unknown " + field.name + " " + quoted(name) +
                   "; use one of: " + field.enumeration->names());
  }
  return known->bits;
}

JsonReader::JsonReader(const JsonSchema& schema, std::string_view table_type)
    : impl_(std::make_unique<Impl>(
          schema, table_type.empty() ? schema.root() : schema.table(table_type))) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;

std::string_view JsonReader::error_path() const {
  const std::string_view path = impl_->error_path;
  return path.starts_with('.') ? path.substr(1) : path;
}

Result<std::span<const uint8_t>> JsonReader::read(std::string_view json) {
  Impl& impl = *impl_;
  impl.builder.Clear();
  impl.elements.clear();
  impl.error_path.clear();
  dom::element document;
  if (const auto error = impl.parser.parse(json.data(), json.size()).get(document)) {
    return not_json(error);
  }
  dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return invalid("not a JSON object");
  const auto root = as_offset(TRY(impl.read_table(impl.root, object)));
  const bool identified =
      &impl.root == &impl.schema.root() && !impl.schema.file_identifier().empty();
  impl.builder.Finish(root, identified ? impl.schema.file_identifier().c_str() : nullptr);
  return std::span<const uint8_t>(impl.builder.GetBufferPointer(), impl.builder.GetSize());
}

}  // namespace tenure
