// JSON commands from people and services, made into verified command bytes.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/rejections.h"
#include "engine/json/json_edge.h"
#include "engine/partition/command_bytes.h"

namespace tenure {

// What a command may leave out because the way it came says it.
struct CommandDefaults {
  std::string_view id;     // the Idempotency-Key; empty: the command must have one
  std::string_view actor;  // whose key it came with; empty: the command must name one
};

// One per thread.
class CommandParser {
 public:
  CommandParser();

  // A rejection here leaves no decision: `malformed`, or what verify_command names.
  Expected<CommandBytes, Rejection> parse(std::string_view json, const CommandDefaults& defaults);

 private:
  JsonReader reader_;
};

// The same checks for a command that came as a finished FlatBuffer.
Expected<CommandBytes, Rejection> verify_binary_command(std::string_view bytes);

}  // namespace tenure
