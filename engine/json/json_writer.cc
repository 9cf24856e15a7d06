#include <charconv>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_text.h"
#include "engine/json/json_wire.h"
#include "schemas/decision_generated.h"

namespace tenure {

using namespace json;

namespace {

using flatbuffers::Table;

template <class Integer>
void append_integer(Integer value, std::string& out) {
  char text[24];
  out.append(text, std::to_chars(text, std::end(text), value).ptr);
}

// One walk over a table. Each write_* gives false, and leaves garbage behind for the caller to cut
// off, if the value has no JSON form.
class Writer {
 public:
  Writer(const Unsealer* unsealer, std::string& out) : unsealer_(unsealer), out_(out) {}

  void write_table(const TablePlan& plan, const Table& table) {
    out_ += '{';
    bool first = true;
    for (const FieldPlan& field : plan.fields) {
      const size_t mark = out_.size();
      if (!first) out_ += ',';
      out_ += field.key;
      if (write_field(plan, field, table)) {
        first = false;
      } else {
        out_.resize(mark);
      }
    }
    out_ += '}';
  }

  void write_union(const EnumPlan::Value& member, const void* table) {
    write_table(*member.table, *static_cast<const Table*>(table));
  }

  bool write_sealed(const schema::Sealed& sealed) {
    if (sealed.clear()) {
      append_json_string(view(*sealed.clear()), out_);
      return true;
    }
    const std::optional<std::string> clear = unsealer_ ? unsealer_->unseal(sealed) : std::nullopt;
    if (clear) append_json_string(*clear, out_);
    return clear.has_value();
  }

 private:
  bool write_field(const TablePlan& plan, const FieldPlan& field, const Table& table) {
    const uint8_t* at = table.GetAddressOf(field.offset);
    if (!at) {
      const bool has_default = is_scalar(field.kind) && !field.is_vector && !field.optional &&
                               field.kind != FieldKind::kUnionType;
      if (has_default) write_scalar(field, field.default_bits);
      return has_default;
    }
    if (field.kind == FieldKind::kBytes) return false;
    if (field.is_map) return write_map(field, follow<AnyVector>(at));
    if (field.is_vector) return write_vector(field, follow<AnyVector>(at));
    if (field.kind != FieldKind::kUnion) return write_value(field, at);
    const EnumPlan::Value* member = union_member(plan, table);
    if (member) write_table(*member->table, follow<Table>(at));
    return member != nullptr;
  }

  bool write_vector(const FieldPlan& field, const AnyVector& vector) {
    out_ += '[';
    for (flatbuffers::uoffset_t i = 0; i < vector.size(); ++i) {
      if (i > 0) out_ += ',';
      write_value(field, vector.Data() + size_t{i} * field.size);
    }
    out_ += ']';
    return true;
  }

  bool write_map(const FieldPlan& field, const AnyVector& entries) {
    const FieldPlan& key = field.table->fields[0];
    const FieldPlan& value = field.table->fields[1];
    out_ += '{';
    for (flatbuffers::uoffset_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += ',';
      const auto& entry = follow<Table>(entries.Data() + size_t{i} * field.size);
      write_value(key, entry.GetAddressOf(key.offset));
      out_ += ':';
      write_value(value, entry.GetAddressOf(value.offset));
    }
    out_ += '}';
    return true;
  }

  bool write_value(const FieldPlan& field, const uint8_t* at) {
    switch (field.kind) {
      case FieldKind::kString:
        append_json_string(view(follow<flatbuffers::String>(at)), out_);
        return true;
      case FieldKind::kSealed:
        return write_sealed(follow<schema::Sealed>(at));
      case FieldKind::kTable:
        write_table(*field.table, follow<Table>(at));
        return true;
      case FieldKind::kBool:
      case FieldKind::kInteger:
      case FieldKind::kEnum:
      case FieldKind::kTime:
      case FieldKind::kUnionType:
        write_scalar(field, load_scalar(at, field.size));
        return true;
      case FieldKind::kUnion:
      case FieldKind::kBytes:
        break;
    }
    CHECK(false);
    return false;
  }

  void write_scalar(const FieldPlan& field, uint64_t bits) {
    if (field.kind == FieldKind::kBool) {
      out_ += bits ? "true" : "false";
    } else if (field.kind == FieldKind::kTime) {
      out_ += '"';
      append_time(static_cast<int64_t>(bits), out_);
      out_ += '"';
    } else if (const auto* named = field.enumeration ? field.enumeration->find(bits) : nullptr) {
      append_json_string(named->name, out_);
    } else if (field.is_signed) {
      const int unused = 64 - 8 * field.size;
      append_integer(static_cast<int64_t>(bits << unused) >> unused, out_);
    } else {
      append_integer(bits, out_);
    }
  }

  const Unsealer* unsealer_;
  std::string& out_;
};

// The members of the unions, found once.
struct DecisionPlans {
  const EnumPlan& commands;
  const EnumPlan& events;
};

const DecisionPlans& decision_plans() {
  static const DecisionPlans plans{
      *decision_schema().table("CommandEnvelope").union_value->enumeration,
      *decision_schema().table("EventBox").union_value->enumeration};
  return plans;
}

void append_field(std::string_view key, const flatbuffers::String* text, std::string& out) {
  out += key;
  append_json_string(view(*text), out);
}

void append_events(const schema::Decision& decision, Writer& writer, std::string& out) {
  out += R"(,"events":[)";
  bool first = true;
  if (decision.events()) {
    for (const schema::EventBox* box : *decision.events()) {
      const auto* event = decision_plans().events.find(static_cast<uint64_t>(box->event_type()));
      CHECK(event);  // the log's reader stops at events that this build does not know
      out += first ? R"({"event_type":")" : R"(,{"event_type":")";
      out += event->name;
      out += R"(","event":)";
      writer.write_union(*event, box->event());
      out += '}';
      first = false;
    }
  }
  out += ']';
}

// Left out if there is none, or none that may be shown.
void append_reason(const schema::CommandEnvelope& envelope, Writer& writer, std::string& out) {
  if (!envelope.reason()) return;
  const size_t mark = out.size();
  out += R"(,"reason":)";
  if (!writer.write_sealed(*envelope.reason())) out.resize(mark);
}

void append_rejection(const schema::Rejection& rejection, std::string& out) {
  out += R"(,"rejection":{"code":")";
  out += schema::EnumNameRejectionCode(rejection.code());
  append_field(R"(","message":)", rejection.message(), out);
  append_field(R"(,"rule":)", rejection.rule(), out);
  out += '}';
}

}  // namespace

void write_json(const JsonSchema& schema, std::string_view table_type, const void* table,
                std::string& out, const Unsealer* unsealer) {
  Writer(unsealer, out).write_table(schema.table(table_type), *static_cast<const Table*>(table));
}

void write_decision_json(std::string_view position, std::span<const std::byte> payload,
                         std::string& out, const Unsealer* unsealer, bool to_outsider) {
  const auto& decision = *flatbuffers::GetRoot<schema::Decision>(payload.data());
  const schema::CommandEnvelope& envelope = *decision.command_nested_root();
  const auto* command =
      decision_plans().commands.find(static_cast<uint64_t>(envelope.command_type()));
  CHECK(command);
  Writer writer(unsealer, out);

  out += R"({"position":)";
  append_json_string(position, out);
  append_field(R"(,"org":)", envelope.org(), out);
  out += R"(,"version":)";
  append_integer(to_outsider ? 0 : decision.version(), out);
  out += R"(,"time":")";
  append_time(decision.time(), out);
  if (decision.recorded()) {
    out += R"(","recorded":")";
    append_time(*decision.recorded(), out);
  }
  append_field(R"(","actor":)", envelope.actor(), out);
  if (envelope.sent_by() != nullptr) append_field(R"(,"sent_by":)", envelope.sent_by(), out);
  append_field(R"(,"command_id":)", envelope.id(), out);
  out += R"(,"command_type":")";
  out += command->name;
  out += R"(","outcome":")";
  out += schema::EnumNameOutcome(decision.outcome());
  out += '"';
  if (decision.outcome() == schema::Outcome::accepted) {
    append_events(decision, writer, out);
  } else {
    append_rejection(*decision.rejection(), out);
    out += R"(,"command":)";
    writer.write_union(*command, envelope.command());
  }
  append_reason(envelope, writer, out);
  if (decision.rulebook() && !to_outsider)
    append_field(R"(,"rulebook":)", decision.rulebook(), out);
  out += '}';
}

}  // namespace tenure
