// Bytes as a decision with its events, as evidence brings them: refused, or wholly readable:
// written as JSON that any parser takes, with as many events as it has.
#include <simdjson.h>

#include <cstring>

#include "consumers/audit/decision_bytes.h"
#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_event.h"
#include "tests/fuzz/input.h"

using namespace tenure;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Aligned, as records lie in a log.
  const auto words = std::make_unique_for_overwrite<uint64_t[]>((size + 7) / 8);
  auto* const begin = reinterpret_cast<std::byte*>(words.get());
  std::memcpy(begin, data, size);
  const std::span<const std::byte> bytes(begin, size);

  const auto decision = verify_decision(bytes);
  if (!decision) {
    CHECK(decision.error().kind == ErrorKind::kInvalid);
    return 0;
  }
  std::string json;
  write_decision_json("0:7", bytes, json);
  static simdjson::dom::parser parser;
  simdjson::dom::object object;
  CHECK(parser.parse(json).get(object) == simdjson::SUCCESS);
  if ((*decision)->outcome() == schema::Outcome::rejected) {
    std::string_view message;
    CHECK(object.at_pointer("/rejection/message").get(message) == simdjson::SUCCESS);
    CHECK(message == (*decision)->rejection()->message()->string_view());
    return 0;
  }
  const auto* const events = (*decision)->events();
  simdjson::dom::array written;
  CHECK(object["events"].get(written) == simdjson::SUCCESS);
  CHECK(written.size() == (events == nullptr ? 0 : events->size()));
  if (events == nullptr) return 0;
  for (const schema::EventBox* box : *events) {
    for (const char* field : {"user", "space", "name"}) (void)event_text(*box, field);
  }
  return 0;
}
