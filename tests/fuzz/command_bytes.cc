// Bytes as a command: refused, or wholly readable: it is written as JSON that any parser takes, and
// copied with what an ingress says of it into a command that is taken, too, and says the same.
#include <simdjson.h>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/partition/same_request.h"
#include "engine/partition/vouched_command.h"
#include "tests/fuzz/input.h"

using namespace tenure;

namespace {

std::string json_of(const CommandBytes& command) {
  std::string json;
  write_json(command_schema(), "CommandEnvelope", &command.get(), json);
  return json;
}

void expect_readable(const CommandBytes& command) {
  static simdjson::dom::parser parser;
  simdjson::dom::object object;
  CHECK(parser.parse(json_of(command)).get(object) == simdjson::SUCCESS);
  CHECK(same_request(command.get(), command.get()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  auto command = verify_vouched_command(bytes);
  if (!command) {
    CHECK(command.error().kind == ErrorKind::kInvalid);
    CHECK(!verify_command(bytes));
    return 0;
  }
  expect_readable(*command);
  const bool vouched = is_vouched(command->get());
  CHECK(verify_command(bytes).has_value() != vouched);
  if (vouched) return 0;

  const std::string json = json_of(*command);
  const CommandBytes copy =
      vouch_for(*std::move(command), {.sign_in = "https://id.example", .key_hash = {}});
  if (copy.view().size() > kMaxCommandSize) return 0;  // what was aliased is there twice now
  const auto taken = verify_vouched_command(copy.view());
  CHECK(taken.has_value());
  expect_readable(*taken);
  CHECK(taken->get().sign_in()->string_view() == "https://id.example");
  // The copy says what it did, but for the issuer.
  std::string without = json_of(*taken);
  const std::string issuer = R"(,"sign_in":"https://id.example")";
  const size_t at = without.find(issuer);
  CHECK(at != std::string::npos);
  CHECK(without.erase(at, issuer.size()) == json);
  return 0;
}
