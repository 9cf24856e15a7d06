// Freezes the schemas of this build as a release: `make_release 0.2.0`, from the repository's root.
// Writes schemas/released/0.2.0 and tests/schemas/golden/0.2.0; refuses if either is there.
#include <cstdio>
#include <span>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "flatbuffers/reflection.h"
#include "schemas/decision_generated.h"
#include "tests/schemas/files.h"
#include "tests/schemas/golden.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

Bytes parsed(const JsonSchema& schema, const std::string& table, const std::string& json) {
  JsonReader reader(schema, table);
  const auto bytes = reader.read(json);
  if (!bytes) std::fprintf(stderr, "%s: %s\n", json.c_str(), bytes.error().message.c_str());
  CHECK(bytes);
  return {bytes->begin(), bytes->end()};
}

Golden sample(const JsonSchema& schema, const std::string& table, const std::string& member = "") {
  const Bytes buffer = parsed(schema, table, sample_json(schema, table, member));
  std::string json;
  write_json(schema, table, flatbuffers::GetRoot<void>(buffer.data()), json);
  return {member.empty() ? table : member, buffer, json};
}

// A decision of an AddMember, or of `command`: accepted with `event`, or rejected without one.
Golden decision(const std::string& name, const std::string& command, const Bytes* event) {
  flatbuffers::FlatBufferBuilder builder;
  const Bytes envelope = parsed(command_schema(), "CommandEnvelope",
                                sample_json(command_schema(), "CommandEnvelope", command));
  builder.ForceVectorAlignment(envelope.size(), sizeof(uint8_t), 8);
  const auto command_bytes = builder.CreateVector(envelope);
  const auto rulebook = builder.CreateString("space@1");
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::EventBox>>> events;
  flatbuffers::Offset<schema::Rejection> rejection;
  if (event) {
    const Bytes compiled = read_bytes(current_schemas() / "decision.bfbs");
    const auto& schema = *reflection::GetSchema(compiled.data());
    const auto& box = *schema.objects()->LookupByKey("tenure.schema.EventBox");
    const auto& table = *flatbuffers::GetRoot<flatbuffers::Table>(event->data());
    const auto copy = flatbuffers::CopyTable(builder, schema, box, table);
    events = builder.CreateVector(std::vector{flatbuffers::Offset<schema::EventBox>(copy.o)});
  } else {
    rejection = schema::CreateRejectionDirect(builder, schema::RejectionCode::forbidden,
                                              "ask an OWNER", "space@1 MANAGER");
  }
  const auto outcome = event ? schema::Outcome::accepted : schema::Outcome::rejected;
  schema::FinishDecisionBuffer(
      builder, schema::CreateDecision(builder, command_bytes, kSampleTime, 7, outcome, events,
                                      rejection, rulebook));
  const auto bytes = std::span(builder.GetBufferPointer(), builder.GetSize());
  std::string json;
  write_decision_json("0:41", std::as_bytes(bytes), json);
  return {name, {bytes.begin(), bytes.end()}, json};
}

void write_golden_files(const fs::path& folder) {
  std::vector<Golden> commands, events, decisions;
  for (const std::string& command : union_members(command_schema(), "CommandEnvelope")) {
    commands.push_back(sample(command_schema(), "CommandEnvelope", command));
    decisions.push_back(decision(command + " rejected", command, nullptr));
  }
  for (const std::string& event : union_members(decision_schema(), "EventBox")) {
    events.push_back(sample(decision_schema(), "EventBox", event));
    decisions.push_back(decision(event, "AddMember", &events.back().buffer));
  }
  write_golden(folder / "commands.golden", commands);
  write_golden(folder / "events.golden", events);
  write_golden(folder / "decisions.golden", decisions);
  write_golden(folder / "rulebooks.golden", {sample(rulebook_schema(), "Rulebook")});
  write_golden(folder / "catalogs.golden", {sample(catalog_schema(), "Catalog")});
}

int make_release(const std::string& version) {
  const fs::path released = released_schemas() / version, golden = golden_files() / version;
  if (fs::exists(released) || fs::exists(golden)) {
    std::fprintf(stderr, "%s is released already; a release never changes\n", version.c_str());
    return 1;
  }
  fs::create_directories(released);
  fs::create_directories(golden);
  for (const char* name : {"catalog", "commands", "decision", "events", "rulebook"}) {
    const std::string file = std::string(name) + ".bfbs";
    fs::copy_file(current_schemas() / file, released / file);
  }
  write_golden_files(golden);
  std::printf("wrote %s and %s\n", released.c_str(), golden.c_str());
  return 0;
}

}  // namespace
}  // namespace tenure

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: make_release VERSION   (from the repository's root)\n");
    return 2;
  }
  return tenure::make_release(arguments[1]);
}
