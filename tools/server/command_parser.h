// Commands from people and services, as JSON or FlatBuffers, made into what the engine takes.
#pragma once

#include <string>
#include <string_view>

#include "engine/json/json_edge.h"
#include "engine/partition/command_bytes.h"
#include "tools/server/engine_host.h"

namespace tenure {

// Why a command was answered without a decision: nothing of it is in the log.
struct Undecided {
  int status;             // of HTTP
  std::string_view code;  // of a rejection, or "unavailable"
  std::string message;    // one line that says what to do
};

// What a command may leave out because the way it came says it.
struct CommandDefaults {
  std::string_view id;     // the Idempotency-Key; empty: the command must have one
  std::string_view actor;  // whose key it came with; empty: the command must name one
};

// One per thread.
class CommandParser {
 public:
  CommandParser();

  // Read and verified; personal text still in clear.
  Expected<CommandBytes, Undecided> parse(std::string_view json, const CommandDefaults& defaults);

 private:
  JsonReader reader_;
};

// Whom JSON says it is for and from that is no command; empty where it does not, or is no object.
struct NamedSender {
  std::string org, actor;
};
NamedSender sender_in(std::string_view json);

// The same checks for a command that came as a finished FlatBuffer; and for one that an ingress may
// have vouched for (verify_vouched_command).
Expected<CommandBytes, Undecided> verify_binary_command(std::string_view bytes);
Expected<CommandBytes, Undecided> verify_vouched_binary_command(std::string_view bytes);

// The last step before submit(). Without personal text it costs nothing; with some it may wait for
// the disk.
Expected<CommandBytes, Undecided> seal_for(EngineHost& host, CommandBytes command);
// The same where it is decided, if a host may have sealed it before: what is not sealed for this
// command is refused.
Expected<CommandBytes, Undecided> seal_on_arrival(PersonKeys& keys, CommandBytes command);

}  // namespace tenure
