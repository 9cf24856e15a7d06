#include "tools/tenure/decision_text.h"

#include "engine/json/json_edge.h"
#include "schemas/decision_generated.h"

namespace tenure {

std::string decision_line(Position position, std::span<const std::byte> payload) {
  const auto& decision = *flatbuffers::GetRoot<schema::Decision>(payload.data());
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  std::string line = format_position(position);
  auto add = [&line](std::string_view text) { (line += "  ") += text; };
  add(format_time(decision.time()));
  add(command.org()->string_view());
  line += "@" + std::to_string(decision.version());
  add(command.actor()->string_view());
  add(schema::EnumNameCommand(command.command_type()));
  if (const auto* rejection = decision.rejection()) {
    add(schema::EnumNameRejectionCode(rejection->code()));
  } else {
    add("accepted");
  }
  return line;
}

}  // namespace tenure
