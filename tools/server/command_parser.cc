#include "tools/server/command_parser.h"

#include <simdjson.h>

#include "engine/domain/rejections.h"
#include "engine/personal/seal_command.h"

namespace tenure {
namespace {

using Checked = Expected<CommandBytes, Undecided>;

std::unexpected<Undecided> malformed(std::string message) {
  return std::unexpected(Undecided{400, "malformed", std::move(message)});
}

// Errors of kInvalid begin with the rejection code to answer; all others are ours to mend.
std::unexpected<Undecided> undecided(const Error& error) {
  if (error.kind != ErrorKind::kInvalid) {
    return std::unexpected(Undecided{503, "unavailable", error.message});
  }
  std::string_view message = error.message;
  size_t colon = std::min(message.find(": "), message.size());
  for (RejectionCode code : schema::EnumValuesRejectionCode()) {
    std::string_view name = schema::EnumNameRejectionCode(code);
    if (message.substr(0, colon) == name) {
      return std::unexpected(
          Undecided{http_status(code), name, std::string(message.substr(colon + 2))});
    }
  }
  return malformed(error.message);
}

Checked checked(Result<CommandBytes> command) {
  if (!command) return undecided(command.error());
  return *std::move(command);
}

// `json` with the defaults for what it lacks put in front; empty if nothing could be added.
std::string with_defaults(std::string_view json, const CommandDefaults& defaults) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return {};
  std::string added;
  auto add = [&](std::string_view field, std::string_view value) {
    if (value.empty() || object[field].error() == simdjson::SUCCESS) return;
    added += added.empty() ? '{' : ',';
    append_json_string(field, added);
    added += ':';
    append_json_string(value, added);
  };
  add("id", defaults.id);
  add("actor", defaults.actor);
  if (added.empty()) return {};
  if (object.size() > 0) added += ',';
  return added.append(json.substr(json.find('{') + 1));
}

}  // namespace

CommandParser::CommandParser() : reader_(command_schema()) {}

Checked CommandParser::parse(std::string_view json, const CommandDefaults& defaults) {
  auto buffer = reader_.read(json);
  if (!buffer) {
    // Rare: most commands name their id and actor, and are read only once.
    std::string completed = with_defaults(json, defaults);
    if (completed.empty()) return malformed(buffer.error().message);
    buffer = reader_.read(completed);
    if (!buffer) return malformed(buffer.error().message);
  }
  auto command = checked(verify_command(*buffer));
  if (command && !defaults.id.empty() && command->get().id()->string_view() != defaults.id) {
    return malformed("the Idempotency-Key header and the command's id differ: send one of them");
  }
  return command;
}

NamedSender sender_in(std::string_view json) {
  if (json.size() > kMaxCommandSize) return {};
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return {};
  const auto text = [&](std::string_view field) {
    std::string_view found;
    return object[field].get(found) == simdjson::SUCCESS ? std::string(found) : std::string();
  };
  return {text("org"), text("actor")};
}

Checked verify_binary_command(std::string_view bytes) {
  return checked(verify_command({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
}

Checked verify_vouched_binary_command(std::string_view bytes) {
  return checked(
      verify_vouched_command({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
}

Checked seal_for(EngineHost& host, CommandBytes command) {
  return checked(host.seal(std::move(command)));
}

Checked seal_on_arrival(PersonKeys& keys, CommandBytes command) {
  return checked(seal_or_verify(std::move(command), keys));
}

}  // namespace tenure
