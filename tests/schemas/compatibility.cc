#include "tests/schemas/compatibility.h"

#include <algorithm>

#include "flatbuffers/reflection.h"

namespace tenure {
namespace {

using reflection::BaseType;

bool is_scalar(const reflection::Field& field) {
  const BaseType type = field.type()->base_type();
  return type >= BaseType::UType && type <= BaseType::Double;
}

std::string attribute(const reflection::Field& field, const char* key) {
  const auto* attributes = field.attributes();
  const auto* found = attributes ? attributes->LookupByKey(key) : nullptr;
  if (!found) return "absent";
  return found->value() ? found->value()->str() : "";
}

const reflection::Field* field_by_id(const reflection::Object& table, uint16_t id) {
  const auto found =
      std::find_if(table.fields()->begin(), table.fields()->end(),
                   [&](const reflection::Field* field) { return field->id() == id; });
  return found == table.fields()->end() ? nullptr : *found;
}

// "[UsageEntry]", "ulong", "RejectionCode as ushort": equal for two schemas if and only if the
// bytes mean the same.
std::string type_name(const reflection::Type& type, const reflection::Schema& schema) {
  const bool is_vector = type.base_type() == BaseType::Vector;
  const BaseType value = is_vector ? type.element() : type.base_type();
  std::string name = reflection::EnumNameBaseType(value);
  if (type.index() >= 0) {
    const auto index = static_cast<uint32_t>(type.index());
    name = value == BaseType::Obj ? schema.objects()->Get(index)->name()->str()
                                  : schema.enums()->Get(index)->name()->str() + " as " + name;
  }
  return is_vector ? "[" + name + "]" : name;
}

class Comparison {
 public:
  Comparison(const reflection::Schema& released, const reflection::Schema& current)
      : released_(released), current_(current) {}

  std::vector<std::string> run() {
    compare_roots();
    for (const reflection::Object* table : *released_.objects()) compare_table(*table);
    for (const reflection::Enum* values : *released_.enums()) compare_enum(*values);
    return std::move(problems_);
  }

 private:
  void report(const std::string& where, const std::string& what) {
    problems_.push_back(where + ": " + what);
  }

  void expect_same(const std::string& where, const char* what, const std::string& before,
                   const std::string& now) {
    if (before != now) report(where, std::string(what) + " was " + before + ", is " + now);
  }

  void compare_roots() {
    const auto root = [](const reflection::Schema& schema) {
      return schema.root_table() ? schema.root_table()->name()->str() : "none";
    };
    const auto identifier = [](const reflection::Schema& schema) {
      return schema.file_ident() ? schema.file_ident()->str() : "none";
    };
    expect_same("schema", "root type", root(released_), root(current_));
    expect_same("schema", "file identifier", identifier(released_), identifier(current_));
  }

  void compare_table(const reflection::Object& before) {
    const std::string name = before.name()->str();
    const reflection::Object* now = current_.objects()->LookupByKey(name.c_str());
    if (!now) return report(name, "table is gone");
    if (before.is_struct() != now->is_struct()) report(name, "table became a struct or back");
    for (const reflection::Field* field : *before.fields()) {
      const std::string where = name + "." + field->name()->str();
      const reflection::Field* same_id = field_by_id(*now, field->id());
      if (same_id) {
        compare_field(where, *field, *same_id);
      } else {
        report(where, "field is gone; keep it, marked deprecated");
      }
    }
    for (const reflection::Field* field : *now->fields()) {
      if (!field_by_id(before, field->id())) check_added(name, *field);
    }
  }

  void compare_field(const std::string& where, const reflection::Field& before,
                     const reflection::Field& now) {
    const auto yes_no = [](bool yes) { return std::string(yes ? "yes" : "no"); };
    expect_same(where, "name", before.name()->str(), now.name()->str());
    expect_same(where, "type", type_name(*before.type(), released_),
                type_name(*now.type(), current_));
    expect_same(where, "default", std::to_string(before.default_integer()),
                std::to_string(now.default_integer()));
    expect_same(where, "default", std::to_string(before.default_real()),
                std::to_string(now.default_real()));
    expect_same(where, "required", yes_no(before.required()), yes_no(now.required()));
    if (is_scalar(before) && is_scalar(now)) {
      expect_same(where, "optional", yes_no(before.optional()), yes_no(now.optional()));
    }
    for (const char* key : {"time", "nested_flatbuffer"}) {
      expect_same(where, key, attribute(before, key), attribute(now, key));
    }
    if (before.deprecated() && !now.deprecated()) report(where, "a deprecated field came back");
    if (now.deprecated() && before.required()) report(where, "a required field was deprecated");
  }

  void check_added(const std::string& table, const reflection::Field& field) {
    const std::string where = table + "." + field.name()->str();
    if (field.required()) report(where, "added as required; buffers of before lack it");
    if (is_scalar(field) && field.type()->base_type() != BaseType::UType && !field.optional()) {
      report(where, "added scalar must default to null; records of before never had a value");
    }
  }

  void compare_enum(const reflection::Enum& before) {
    const std::string name = before.name()->str();
    const reflection::Enum* now = current_.enums()->LookupByKey(name.c_str());
    if (!now) return report(name, "enum or union is gone");
    expect_same(name, "type", type_name(*before.underlying_type(), released_),
                type_name(*now->underlying_type(), current_));
    int64_t last = INT64_MIN;
    for (const reflection::EnumVal* value : *before.values()) {
      const std::string where = name + "." + value->name()->str();
      const reflection::EnumVal* same_number = now->values()->LookupByKey(value->value());
      last = std::max(last, value->value());
      if (!same_number) {
        report(where, "value " + std::to_string(value->value()) + " is gone");
        continue;
      }
      expect_same(where, "name", value->name()->str(), same_number->name()->str());
      if (before.is_union()) {
        expect_same(where, "member", type_name(*value->union_type(), released_),
                    type_name(*same_number->union_type(), current_));
      }
    }
    for (const reflection::EnumVal* value : *now->values()) {
      const bool added = !before.values()->LookupByKey(value->value());
      if (added && value->value() < last) {
        report(name + "." + value->name()->str(), "added before the last value; append it");
      }
    }
  }

  const reflection::Schema& released_;
  const reflection::Schema& current_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> incompatibilities(std::span<const uint8_t> released,
                                           std::span<const uint8_t> current) {
  return Comparison(*reflection::GetSchema(released.data()), *reflection::GetSchema(current.data()))
      .run();
}

std::vector<std::string> fields_without_explicit_id(std::span<const uint8_t> schema) {
  std::vector<std::string> found;
  for (const reflection::Object* table : *reflection::GetSchema(schema.data())->objects()) {
    for (const reflection::Field* field : *table->fields()) {
      // flatc gives a union's type the id before the union's own.
      const bool implied = field->type()->base_type() == BaseType::UType;
      if (!implied && attribute(*field, "id") == "absent") {
        found.push_back(table->name()->str() + "." + field->name()->str());
      }
    }
  }
  return found;
}

}  // namespace tenure
