#include "engine/json/json_edge.h"
#include "engine/json/json_text.h"
#include "engine/json/json_wire.h"

namespace tenure {

using namespace json;

namespace {

using flatbuffers::Table;

// Walks every reference, as often as it is made. Each step gives false at the first problem.
class ContentsWalk {
 public:
  explicit ContentsWalk(size_t budget) : budget_(budget) {}

  const char* problem() const { return problem_; }

  bool table(const TablePlan& plan, const Table& table) {
    const auto inline_size = flatbuffers::ReadScalar<uint16_t>(table.GetVTable() + 2);
    if (!spend(inline_size)) return false;
    for (const FieldPlan& field : plan.fields) {
      if (is_scalar(field.kind) && !field.is_vector) continue;
      const uint8_t* at = table.GetAddressOf(field.offset);
      if (at && !reference(plan, field, table, at)) return false;
    }
    return true;
  }

 private:
  bool reference(const TablePlan& plan, const FieldPlan& field, const Table& holder,
                 const uint8_t* at) {
    if (field.kind == FieldKind::kUnion) {
      const EnumPlan::Value* member = union_member(plan, holder);
      if (!member) return fail_with("a union holds a type that this build does not know");
      return table(*member->table, follow<Table>(at));
    }
    if (!field.is_vector) return value(field, at);
    const auto& vector = follow<AnyVector>(at);
    if (!spend(size_t{vector.size()} * field.size)) return false;
    if (is_scalar(field.kind)) return true;
    for (size_t i = 0; i < vector.size(); ++i) {
      if (!value(field, vector.Data() + i * field.size)) return false;
    }
    return true;
  }

  bool value(const FieldPlan& field, const uint8_t* at) {
    if (field.kind != FieldKind::kString) return table(*field.table, follow<Table>(at));
    const std::string_view text = view(follow<flatbuffers::String>(at));
    if (!spend(sizeof(flatbuffers::uoffset_t) + text.size())) return false;
    return is_utf8(text) || fail_with("a string is not UTF-8");
  }

  bool spend(size_t bytes) {
    if (bytes > budget_)
      return fail_with("it refers to its parts so often that it expands too far");
    budget_ -= bytes;
    return true;
  }

  bool fail_with(const char* problem) {
    problem_ = problem;
    return false;
  }

  size_t budget_;
  const char* problem_ = nullptr;
};

}  // namespace

Result<void> check_contents(const JsonSchema& schema, const void* root, size_t max_expanded) {
  ContentsWalk walk(max_expanded);
  if (walk.table(schema.root(), *static_cast<const Table*>(root))) return {};
  return fail(ErrorKind::kInvalid, walk.problem());
}

}  // namespace tenure
