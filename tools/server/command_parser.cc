#include "tools/server/command_parser.h"

#include <simdjson.h>

namespace tenure {
namespace {

std::unexpected<Rejection> malformed(std::string message) {
  return reject(RejectionCode::malformed, std::move(message), "every command is checked first");
}

// verify_command's errors begin with the code to answer.
std::unexpected<Rejection> refused(const Error& error) {
  std::string_view message = error.message;
  size_t colon = message.find(": ");
  if (colon != std::string_view::npos) {
    for (RejectionCode code : schema::EnumValuesRejectionCode()) {
      if (message.substr(0, colon) == schema::EnumNameRejectionCode(code)) {
        return reject(code, std::string(message.substr(colon + 2)),
                      "every command is checked first");
      }
    }
  }
  return malformed(error.message);
}

Expected<CommandBytes, Rejection> verify(std::span<const uint8_t> bytes) {
  Result<CommandBytes> verified = verify_command(bytes);
  if (!verified) return refused(verified.error());
  return *std::move(verified);
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

Expected<CommandBytes, Rejection> CommandParser::parse(std::string_view json,
                                                       const CommandDefaults& defaults) {
  auto buffer = reader_.read(json);
  if (!buffer) {
    // Rare: most commands name their id and actor, and are read only once.
    std::string completed = with_defaults(json, defaults);
    if (completed.empty()) return malformed(buffer.error().message);
    buffer = reader_.read(completed);
    if (!buffer) return malformed(buffer.error().message);
  }
  auto command = verify(*buffer);
  if (command && !defaults.id.empty() && command->get().id()->string_view() != defaults.id) {
    return malformed("the Idempotency-Key header and the command's id differ: send one of them");
  }
  return command;
}

Expected<CommandBytes, Rejection> verify_binary_command(std::string_view bytes) {
  return verify({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace tenure
