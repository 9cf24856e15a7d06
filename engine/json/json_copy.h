// Copying a verified table by its plan into another buffer, so a field that is added to a schema is
// copied too. Internal to engine/json, engine/partition and engine/personal.
#pragma once

#include "engine/json/json_build.h"
#include "engine/json/json_schema.h"
#include "schemas/commands_generated.h"

namespace tenure::json {

class TableCopy {
 public:
  virtual ~TableCopy() = default;

 protected:
  FieldValues copy_fields(const TablePlan& plan, const flatbuffers::Table& table);
  uint64_t copy_table(const TablePlan& plan, const flatbuffers::Table& table) {
    return build_table(builder_, plan, copy_fields(plan, table));
  }
  // The offset of the copy; `plan` and `field`: where it stands.
  virtual uint64_t copy_sealed(const TablePlan& plan, const FieldPlan& field,
                               const schema::Sealed& sealed);

  flatbuffers::FlatBufferBuilder builder_;

 private:
  uint64_t copy_field(const TablePlan& plan, const FieldPlan& field,
                      const flatbuffers::Table& table, const uint8_t* at);
  uint64_t copy_value(const TablePlan& plan, const FieldPlan& field, const uint8_t* at);
};

}  // namespace tenure::json
