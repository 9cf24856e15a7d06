// Bytes as a command in JSON: a clear error, or a command that verifies, is written back as JSON
// and read again as the same one.
#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/partition/command_bytes.h"
#include "engine/partition/same_request.h"
#include "tests/fuzz/input.h"

using namespace tenure;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static JsonReader reader(command_schema());
  const auto read = reader.read({reinterpret_cast<const char*>(data), size});
  if (!read) {
    const Error& error = read.error();
    CHECK(error.kind == ErrorKind::kInvalid);
    CHECK(!error.message.empty() && error.message.find('\n') == std::string::npos);
    return 0;
  }
  flatbuffers::Verifier verifier(read->data(), read->size(), 16, 100'000);
  CHECK(schema::VerifyCommandEnvelopeBuffer(verifier));
  const CommandBytes first = trusted_command(*read);  // a copy that outlives the next read

  std::string written;
  write_json(command_schema(), "CommandEnvelope", &first.get(), written);
  const auto again = reader.read(written);
  CHECK(again.has_value());
  const CommandBytes second = trusted_command(*again);
  CHECK(same_request(first.get(), second.get()));

  // An ingress takes it, or says why not; there is nothing between.
  const auto taken = verify_command(first.view());
  if (!taken) {
    const std::string& why = taken.error().message;
    CHECK(why.starts_with("malformed: ") || why.starts_with("invalid_id: "));
  }
  CHECK(taken.has_value() == verify_command(second.view()).has_value());
  return 0;
}
