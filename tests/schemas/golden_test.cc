#include "tests/schemas/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/json/json_edge.h"
#include "engine/json/json_schema.h"
#include "schemas/catalog_generated.h"
#include "schemas/decision_generated.h"
#include "schemas/rulebook_generated.h"
#include "tests/schemas/files.h"

namespace tenure {
namespace {

using testing::Contains;

// The entries of one golden file of every release.
std::vector<Golden> golden(const char* file) {
  std::vector<Golden> all;
  for (const auto& release : releases()) {
    for (Golden& entry : read_golden(golden_files() / release.filename() / file)) {
      all.push_back(std::move(entry));
    }
  }
  EXPECT_FALSE(all.empty()) << file;
  return all;
}

template <class Table>
void expect_valid(const Golden& entry) {
  flatbuffers::Verifier verifier(entry.buffer.data(), entry.buffer.size());
  EXPECT_TRUE(verifier.VerifyBuffer<Table>(nullptr)) << entry.name;
}

std::string to_json(const JsonSchema& schema, const char* table, std::span<const uint8_t> buffer) {
  std::string out;
  write_json(schema, table, flatbuffers::GetRoot<void>(buffer.data()), out);
  return out;
}

// The old buffer still says what it said, and so does the old JSON.
void expect_unchanged(const JsonSchema& schema, const char* table, const Golden& entry) {
  EXPECT_EQ(to_json(schema, table, entry.buffer), entry.json) << entry.name;
  JsonReader reader(schema, table);
  const auto read_back = reader.read(entry.json);
  ASSERT_TRUE(read_back) << entry.name << ": " << read_back.error().message;
  EXPECT_EQ(to_json(schema, table, *read_back), entry.json) << entry.name;
}

TEST(GoldenTest, CommandsOfEveryReleaseReadAsTheyDid) {
  for (const Golden& entry : golden("commands.golden")) {
    expect_valid<schema::CommandEnvelope>(entry);
    expect_unchanged(command_schema(), "CommandEnvelope", entry);
  }
}

TEST(GoldenTest, EventsOfEveryReleaseReadAsTheyDid) {
  for (const Golden& entry : golden("events.golden")) {
    expect_valid<schema::EventBox>(entry);
    expect_unchanged(decision_schema(), "EventBox", entry);
  }
}

TEST(GoldenTest, RulebooksAndCatalogsOfEveryReleaseReadAsTheyDid) {
  for (const Golden& entry : golden("rulebooks.golden")) {
    expect_valid<schema::Rulebook>(entry);
    expect_unchanged(rulebook_schema(), "Rulebook", entry);
  }
  for (const Golden& entry : golden("catalogs.golden")) {
    expect_valid<schema::Catalog>(entry);
    expect_unchanged(catalog_schema(), "Catalog", entry);
  }
}

TEST(GoldenTest, DecisionsOfEveryReleaseReadAsTheyDid) {
  for (const Golden& entry : golden("decisions.golden")) {
    expect_valid<schema::Decision>(entry);
    std::string json;
    write_decision_json("0:41", std::as_bytes(std::span(entry.buffer)), json);
    EXPECT_EQ(json, entry.json) << entry.name;
  }
}

TEST(GoldenTest, EveryCommandAndEventOfAReleaseIsAmongItsGoldenFiles) {
  const auto names = [](const std::filesystem::path& file) {
    std::vector<std::string> found;
    for (const Golden& entry : read_golden(file)) found.push_back(entry.name);
    return found;
  };
  for (const auto& release : releases()) {
    const auto folder = golden_files() / release.filename();
    const JsonSchema schema(read_bytes(release / "decision.bfbs"));
    for (const std::string& command : union_members(schema, "CommandEnvelope")) {
      EXPECT_THAT(names(folder / "commands.golden"), Contains(command));
      EXPECT_THAT(names(folder / "decisions.golden"), Contains(command + " rejected"));
    }
    for (const std::string& event : union_members(schema, "EventBox")) {
      EXPECT_THAT(names(folder / "events.golden"), Contains(event));
      EXPECT_THAT(names(folder / "decisions.golden"), Contains(event));
    }
  }
}

// The samples set every field, so whatever the schemas of today can say goes in and out unchanged.
TEST(GoldenTest, EveryCommandAndEventOfTodayMakesTheRoundTrip) {
  const auto expect_round_trip = [](const JsonSchema& schema, const char* table) {
    for (const std::string& member : union_members(schema, table)) {
      const std::string json = sample_json(schema, table, member);
      JsonReader reader(schema, table);
      const auto buffer = reader.read(json);
      // Of a key its hash is never told, so what must have one is written and cannot be read.
      if (member == "ApiKeyCreated") {
        EXPECT_FALSE(buffer);
        continue;
      }
      ASSERT_TRUE(buffer) << json << ": " << buffer.error().message;
      EXPECT_EQ(to_json(schema, table, *buffer), json);
    }
  };
  expect_round_trip(command_schema(), "CommandEnvelope");
  expect_round_trip(decision_schema(), "EventBox");
}

}  // namespace
}  // namespace tenure
