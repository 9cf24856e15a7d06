#include "tests/schemas/compatibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/log/record.h"
#include "flatbuffers/idl.h"
#include "flatbuffers/reflection.h"
#include "tests/schemas/files.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kSchema[] = R"(
namespace t;
attribute "time";
enum Kind : ubyte { gauge = 0, counter = 1 }
table A { text:string (id: 0, required); }
table B {}
union Choice { A = 1, B = 2 }
table Root {
  count:uint = 3 (id: 0);
  at:long (id: 1, time);
  maybe:ulong = null (id: 2);
  kind:Kind (id: 3);
  list:[A] (id: 4);
  old:string (id: 5, deprecated);
  choice:Choice (id: 7);
}
root_type Root;
file_identifier "TEST";
)";

std::vector<uint8_t> compiled(const std::string& text) {
  flatbuffers::IDLOptions options;
  options.binary_schema_builtins = true;
  flatbuffers::Parser parser(options);
  EXPECT_TRUE(parser.Parse(text.c_str())) << parser.error_;
  parser.Serialize();
  return {parser.builder_.GetBufferPointer(),
          parser.builder_.GetBufferPointer() + parser.builder_.GetSize()};
}

// What the test schema's change from `before` to `now` would break.
std::vector<std::string> change(const std::string& before, const std::string& now) {
  std::string text = kSchema;
  const size_t at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  text.replace(at, before.size(), now);
  return incompatibilities(compiled(kSchema), compiled(text));
}

TEST(CompatibilityTest, TheSameSchemaIsCompatible) {
  EXPECT_THAT(incompatibilities(compiled(kSchema), compiled(kSchema)), IsEmpty());
}

TEST(CompatibilityTest, OptionalFieldsAndAppendedMembersMayBeAdded) {
  EXPECT_THAT(change("choice:Choice (id: 7);",
                     "choice:Choice (id: 7); more:string (id: 8); flag:bool = null (id: 9);"),
              IsEmpty());
  EXPECT_THAT(
      change("union Choice { A = 1, B = 2 }", "table C {} union Choice { A = 1, B = 2, C = 3 }"),
      IsEmpty());
  EXPECT_THAT(change("counter = 1", "counter = 1, histogram = 2"), IsEmpty());
}

TEST(CompatibilityTest, AFieldMayBeDeprecated) {
  EXPECT_THAT(change("list:[A] (id: 4);", "list:[A] (id: 4, deprecated);"), IsEmpty());
}

TEST(CompatibilityTest, ARenamedFieldIsCaught) {
  EXPECT_THAT(change("count:uint", "total:uint"),
              ElementsAre("t.Root.count: name was count, is total"));
}

TEST(CompatibilityTest, ADroppedFieldIsCaught) {
  EXPECT_THAT(change("choice:Choice (id: 7);", ""),
              ElementsAre("t.Root.choice: field is gone; keep it, marked deprecated",
                          "t.Root.choice_type: field is gone; keep it, marked deprecated"));
}

TEST(CompatibilityTest, AChangedTypeIsCaught) {
  EXPECT_THAT(change("maybe:ulong", "maybe:long"),
              ElementsAre("t.Root.maybe: type was ULong, is Long"));
  EXPECT_THAT(change("list:[A]", "list:[B]"), ElementsAre("t.Root.list: type was [t.A], is [t.B]"));
  EXPECT_THAT(change("kind:Kind", "kind:ubyte"),
              ElementsAre("t.Root.kind: type was t.Kind as UByte, is UByte"));
}

TEST(CompatibilityTest, AChangedDefaultIsCaught) {
  EXPECT_THAT(change("count:uint = 3", "count:uint = 4"),
              ElementsAre("t.Root.count: default was 3, is 4"));
  EXPECT_THAT(change("maybe:ulong = null", "maybe:ulong"),
              ElementsAre("t.Root.maybe: optional was yes, is no"));
}

TEST(CompatibilityTest, AChangedRequirementIsCaught) {
  EXPECT_THAT(change("text:string (id: 0, required)", "text:string (id: 0)"),
              ElementsAre("t.A.text: required was yes, is no"));
  EXPECT_THAT(change("list:[A] (id: 4)", "list:[A] (id: 4, required)"),
              ElementsAre("t.Root.list: required was no, is yes"));
}

TEST(CompatibilityTest, AChangedJsonFormIsCaught) {
  EXPECT_THAT(change("at:long (id: 1, time)", "at:long (id: 1)"),
              ElementsAre("t.Root.at: time was 0, is absent"));
}

TEST(CompatibilityTest, ADeprecatedFieldThatComesBackIsCaught) {
  EXPECT_THAT(change("(id: 5, deprecated)", "(id: 5)"),
              ElementsAre("t.Root.old: a deprecated field came back"));
}

TEST(CompatibilityTest, SwappedIdsAreCaught) {
  EXPECT_THAT(change("at:long (id: 1, time);\n  maybe:ulong = null (id: 2);",
                     "at:long (id: 2, time);\n  maybe:ulong = null (id: 1);"),
              testing::SizeIs(testing::Gt(1u)));
}

TEST(CompatibilityTest, AnAddedFieldThatOldBuffersLackIsCaught) {
  EXPECT_THAT(
      change("choice:Choice (id: 7);", "choice:Choice (id: 7); more:string (id: 8, required);"),
      ElementsAre("t.Root.more: added as required; buffers of before lack it"));
  EXPECT_THAT(change("choice:Choice (id: 7);", "choice:Choice (id: 7); more:uint (id: 8);"),
              ElementsAre("t.Root.more: added scalar must default to null; records of before never "
                          "had a value"));
}

TEST(CompatibilityTest, ARenumberedOrRenamedEnumIsCaught) {
  EXPECT_THAT(change("counter = 1", "counter = 2"), ElementsAre("t.Kind.counter: value 1 is gone"));
  EXPECT_THAT(change("counter = 1", "sum = 1"),
              ElementsAre("t.Kind.counter: name was counter, is sum"));
  EXPECT_THAT(change("enum Kind : ubyte", "enum Kind : ushort"), testing::Not(IsEmpty()));
}

TEST(CompatibilityTest, ARemovedOrReplacedUnionMemberIsCaught) {
  EXPECT_THAT(change("A = 1, B = 2", "A = 1"), ElementsAre("t.Choice.B: value 2 is gone"));
  EXPECT_THAT(change("A = 1, B = 2", "B = 1, A = 2"), testing::Not(IsEmpty()));
}

TEST(CompatibilityTest, AMemberThatIsNotAppendedIsCaught) {
  const std::string gap =
      std::string(kSchema).replace(std::string(kSchema).find("B = 2"), 5, "B = 3");
  std::string filled = gap;
  filled.replace(filled.find("union Choice { A = 1,"), 21,
                 "table C {} union Choice { A = 1, C = 2,");
  EXPECT_THAT(incompatibilities(compiled(gap), compiled(filled)),
              ElementsAre("t.Choice.C: added before the last value; append it"));
}

TEST(CompatibilityTest, ADroppedTableOrEnumIsCaught) {
  const std::string more = std::string(kSchema) + "table Extra {} enum Spare : ubyte { one = 1 }";
  EXPECT_THAT(incompatibilities(compiled(more), compiled(kSchema)),
              ElementsAre("t.Extra: table is gone", "t.Spare: enum or union is gone"));
}

TEST(CompatibilityTest, AChangedRootOrIdentifierIsCaught) {
  EXPECT_THAT(change("root_type Root;", "root_type A;"),
              ElementsAre("schema: root type was t.Root, is t.A"));
  EXPECT_THAT(change("\"TEST\"", "\"NEXT\""),
              ElementsAre("schema: file identifier was TEST, is NEXT"));
}

TEST(CompatibilityTest, AnImplicitIdIsCaught) {
  EXPECT_THAT(fields_without_explicit_id(compiled(kSchema)), IsEmpty());
  EXPECT_THAT(fields_without_explicit_id(compiled("table T { one:int; two:string; }")),
              ElementsAre("T.one", "T.two"));
}

TEST(ReleasedSchemasTest, EverySchemaKeepsWhatEveryReleaseHad) {
  size_t compared = 0;
  for (const fs::path& release : releases()) {
    for (const auto& file : fs::directory_iterator(release)) {
      const fs::path current = current_schemas() / file.path().filename();
      ASSERT_TRUE(fs::exists(current)) << current << " is gone";
      const auto problems = incompatibilities(read_bytes(file.path()), read_bytes(current));
      EXPECT_THAT(problems, IsEmpty()) << file.path();
      ++compared;
    }
  }
  EXPECT_GE(compared, 5u);
}

// A process evolves by every event that it reads, and must not take a record with one that came
// after it. So with an event that is added comes a reader's version, here and in record.h.
TEST(ReleasedSchemasTest, ALaterEventRaisesWhatReadersMustKnow) {
  constexpr size_t kKnown[] = {0, 75};  // events, NONE among them, by the reader's version
  const auto schema = read_bytes(current_schemas() / "events.bfbs");
  size_t events = 0;
  for (const reflection::Enum* each : *reflection::GetSchema(schema.data())->enums()) {
    if (each->name()->string_view() == "tenure.schema.Event") events = each->values()->size();
  }
  ASSERT_EQ(kReaderVersion + 1u, std::size(kKnown));
  EXPECT_EQ(events, kKnown[kReaderVersion]);
  EXPECT_EQ(RecordPrefix{}.min_reader, kReaderVersion) << "what is written may hold any of them";
}

TEST(ReleasedSchemasTest, EveryIdIsExplicit) {
  for (const char* name : {"catalog", "commands", "decision", "events", "rows", "rulebook"}) {
    const auto schema = read_bytes(current_schemas() / (std::string(name) + ".bfbs"));
    EXPECT_THAT(fields_without_explicit_id(schema), IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace tenure
