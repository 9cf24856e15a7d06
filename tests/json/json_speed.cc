// Prints what the JSON edge costs, beside FlatBuffers' own ParseJson and GenerateText over the same
// schema as the probe. Measures only; asserts nothing about time.
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "flatbuffers/idl.h"
#include "schemas/commands_bfbs_generated.h"
#include "schemas/commands_generated.h"
#include "schemas/decision_generated.h"

namespace tenure {
namespace {

constexpr char kCommand[] =
    R"({"id":"0193b2f0-6d1c-7a3e-9f52-1c2d3e4f5a6b","org":"acme","actor":"user:alice",)"
    R"("command_type":"AddMember","command":{"user":"bob","role":"MANAGER"},"expected_version":7})";
constexpr char kUsage[] =
    R"({"id":"0193b2f0-6d1c-7a3e-9f52-1c2d3e4f5a6b","org":"acme","actor":"service:meter",)"
    R"("command_type":"RecordUsage","command":{"space":"main","entries":[)"
    R"({"source":"meter","id":"0193b2f0-1","meter":"api_calls","quantity":12},)"
    R"({"source":"meter","id":"0193b2f0-2","meter":"api_calls","quantity":3}]}})";

// Nanoseconds per call: the best of five rounds of about 0.1 s.
double nanoseconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  constexpr int kCalls = 20'000;
  double best = 1e18;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    for (int i = 0; i < kCalls; ++i) work();
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best / kCalls;
}

void print(const char* what, double ours, double probe) {
  std::printf("%-44s %8.0f ns   FlatBuffers' own: %8.0f ns   ratio %.2f\n", what, ours, probe,
              ours / probe);
}

void verify(const uint8_t* data, size_t size) {
  flatbuffers::Verifier verifier(data, size, 16, 100'000);
  CHECK(schema::VerifyCommandEnvelopeBuffer(verifier));
}

void measure_reading(const char* what, std::string_view json) {
  JsonReader reader(command_schema());
  flatbuffers::Parser parser;
  using Embedded = schema::CommandEnvelopeBinarySchema;
  CHECK(parser.Deserialize(Embedded::data(), Embedded::size()));
  CHECK(parser.SetRootType("tenure.schema.CommandEnvelope"));
  const std::string text(json);
  const double ours = nanoseconds([&] {
    const auto bytes = reader.read(json);
    CHECK(bytes);
    verify(bytes->data(), bytes->size());
  });
  const double probe = nanoseconds([&] {
    CHECK(parser.ParseJson(text.c_str()));
    verify(parser.builder_.GetBufferPointer(), parser.builder_.GetSize());
  });
  print(what, ours, probe);

  const auto bytes = reader.read(json);
  CHECK(bytes);
  const void* root = schema::GetCommandEnvelope(bytes->data());
  std::printf("%-44s %8.0f ns\n", "  of which: the verifier",
              nanoseconds([&] { verify(bytes->data(), bytes->size()); }));
  std::printf("%-44s %8.0f ns\n", "  and besides: check_contents",
              nanoseconds([&] { CHECK(check_contents(command_schema(), root, 4u << 20)); }));
}

std::vector<uint8_t> decision_of(std::string_view command_json) {
  JsonReader reader(command_schema());
  const auto command = reader.read(command_json);
  CHECK(command);
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceVectorAlignment(command->size(), 1, 8);
  const auto bytes = builder.CreateVector(command->data(), command->size());
  const auto event = schema::CreateMemberAddedDirect(builder, "bob", "MANAGER");
  const auto box = schema::CreateEventBox(builder, schema::Event::MemberAdded, event.Union());
  const auto events = builder.CreateVector(&box, 1);
  const auto rulebook = builder.CreateString("space@1");
  builder.Finish(schema::CreateDecision(builder, bytes, 1'795'443'660'000'000, 8,
                                        schema::Outcome::accepted, events, 0, rulebook),
                 schema::DecisionIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

void measure_writing() {
  const std::vector<uint8_t> decision = decision_of(kCommand);
  std::string out;
  const double ours = nanoseconds([&] {
    out.clear();
    write_decision_json("0:41", std::as_bytes(std::span(decision)), out);
  });
  std::printf("%s\n", out.c_str());

  JsonReader reader(command_schema());
  const auto command = reader.read(kCommand);
  CHECK(command);
  flatbuffers::Parser parser;
  using Embedded = schema::CommandEnvelopeBinarySchema;
  CHECK(parser.Deserialize(Embedded::data(), Embedded::size()));
  CHECK(parser.SetRootType("tenure.schema.CommandEnvelope"));
  parser.opts.indent_step = -1;
  const double probe = nanoseconds([&] {
    out.clear();
    CHECK(flatbuffers::GenerateText(parser, command->data(), &out));
  });
  print("a decision out (probe: its command out)", ours, probe);
}

}  // namespace
}  // namespace tenure

int main() {
  tenure::measure_reading("AddMember in, verified", tenure::kCommand);
  tenure::measure_reading("RecordUsage of two entries in, verified", tenure::kUsage);
  tenure::measure_writing();
}
