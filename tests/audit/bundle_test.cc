// Evidence: made, verified, and whatever is changed in it named.
#include "consumers/audit/bundle.h"

#include <gmock/gmock.h>

#include <cstring>

#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using flatbuffers::FlatBufferBuilder;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

// All nodes of a small tree, by its leaves.
class LeavesOnly final : public NodeSource {
 public:
  std::vector<Hash> leaves;
  Result<Hash> node(unsigned level, uint64_t index) const override {
    if (level == 0) return leaves[index];
    TreeHasher hasher;
    const Hash left = TRY(node(level - 1, 2 * index));
    return hasher.node(left, TRY(node(level - 1, 2 * index + 1)));
  }
};

class BundleTest : public testing::Test {
 protected:
  BundleTest() : key_(SigningKey::open_or_make(directory_.path() + "/key.pem").value()) {
    send("acme", "user:ann", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
    send("another-one", "user:stranger", "CreateOrganization",
         R"({"name":"Beta","rulebook":"space"})");
    send("acme", "user:ann", "AddMember", R"({"user":"bob","role":"MANAGER"})");
    send("acme", "user:bob", "AddMember", R"({"user":"cy","role":"ADMIN"})");  // refused
    send("acme", "user:ann", "CreateSpace", R"({"space":"web","name":"<Web>"})");
    TreeHasher hasher;
    for (const auto& decision : world_.machine().history()) {
      tree_.leaves.push_back(hasher.leaf(std::as_bytes(std::span(decision))));
    }
    head_ = key_.sign({.origin = "tenure/log/0",
                       .size = tree_.leaves.size(),
                       .root = tree_root(tree_, tree_.leaves.size()).value(),
                       .time = world_.now});
    files_ = make("acme");
  }

  void send(const std::string& org, const std::string& actor, const std::string& type,
            const std::string& command) {
    world_.now += std::chrono::hours(1);
    world_.send(org, actor, type, command);
  }

  NamedFiles make(const std::string& org, std::optional<uint64_t> without = {},
                  std::map<std::string, std::string> rulebooks = {{"space@1", "{}"}}) {
    EvidenceSource source{.org = org,
                          .partition = {},
                          .from = {},
                          .to = {},
                          .records = {},
                          .rulebooks = std::move(rulebooks),
                          .made = world_.now};
    for (uint64_t number = 0; number < tree_.leaves.size(); ++number) {
      const auto& decision = world_.machine().history()[number];
      const auto& root = *flatbuffers::GetRoot<schema::Decision>(decision.data());
      if (root.command_nested_root()->org()->str() != org || number == without) continue;
      EvidenceRecord record{.number = {number}, .payload = {}, .size = decision.size()};
      record.payload.resize((decision.size() + 7) / 8);
      std::memcpy(record.payload.data(), decision.data(), decision.size());
      source.records.push_back(std::move(record));
    }
    return make_bundle(source, head_, tree_, key_, nullptr).value();
  }

  std::vector<std::string> findings(const NamedFiles& files) const {
    return verify_bundle(files, {key_.public_key("tenure/log/0")}).findings;
  }

  TemporaryDirectory directory_;
  SigningKey key_;
  World world_;
  LeavesOnly tree_;
  SignedHead head_;
  NamedFiles files_;
};

TEST_F(BundleTest, Holds) {
  const auto told = verify_bundle(files_, {key_.public_key("tenure/log/0")});
  EXPECT_THAT(told.findings, IsEmpty());
  EXPECT_EQ(told.decisions, 4);
  EXPECT_EQ(told.org, "acme");
  const std::string& page = files_["index.html"];
  EXPECT_THAT(page, HasSubstr("What was decided in acme"));
  EXPECT_THAT(page, HasSubstr("refused: role_not_assignable"));
  EXPECT_THAT(page, testing::Not(HasSubstr("<script")));
}

TEST_F(BundleTest, SaysWhichRulebookIsMissing) {
  EXPECT_THAT(files_["manifest.json"], HasSubstr(R"("rulebooks":[])"));
  NamedFiles without = make("acme", {}, {});
  EXPECT_THAT(findings(without), IsEmpty());
  EXPECT_THAT(without["manifest.json"], HasSubstr(R"("rulebooks":["space@1"])"));
  EXPECT_THAT(without["index.html"], HasSubstr("space@1 (its text is not known"));
}

TEST_F(BundleTest, IsTheSameInOneFile) {
  for (const size_t length : {87, 88, 89, 128, 990}) {  // a tar's own names end at 99 and 100
    files_["rulebooks/" + std::string(length, 'r') + ".json"] = std::to_string(length);
  }
  const std::string tar = to_tar(files_);
  EXPECT_EQ(from_tar(tar).value(), files_);
  EXPECT_EQ(from_tar("no tar").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(from_tar(std::string_view(tar).substr(0, 1000)).error().kind, ErrorKind::kInvalid);
  std::string damaged = tar;
  damaged[3] ^= 1;
  EXPECT_EQ(from_tar(damaged).error().kind, ErrorKind::kInvalid);
}

// One byte of one file, anywhere: detected, and the file is named.
TEST_F(BundleTest, NoFileCanBeChanged) {
  for (const auto& [name, content] : files_) {
    for (size_t at = 0; at < content.size(); at += 1 + content.size() / 60) {
      NamedFiles changed = files_;
      changed[name][at] ^= 1;
      EXPECT_THAT(findings(changed), Contains(HasSubstr(name))) << at;
    }
    NamedFiles without = files_;
    without.erase(name);
    EXPECT_THAT(findings(without), Contains(name + " is missing"));
  }
  NamedFiles more = files_;
  more["note.txt"] = "hello";
  EXPECT_THAT(findings(more), Contains("note.txt is not listed in the manifest"));
}

TEST_F(BundleTest, AnotherKeySignsNothing) {
  const SigningKey other = SigningKey::open_or_make(directory_.path() + "/other.pem").value();
  EXPECT_THAT(verify_bundle(files_, {other.public_key("tenure/log/0")}).findings,
              Contains(HasSubstr("not signed by a key that you trust")));
  EXPECT_THAT(verify_bundle(files_, {key_.public_key("tenure/log/1")}).findings,
              Contains(HasSubstr("not signed by a key that you trust")));
}

// Even who has the key cannot leave out an accepted decision, or show a record that is none.
TEST_F(BundleTest, WhatTheKeyCannotDo) {
  for (const uint64_t without : {0, 2}) {
    EXPECT_THAT(findings(make("acme", without)),
                Contains(HasSubstr("an accepted decision is missing")));
  }
  const LeavesOnly honest = tree_;
  tree_.leaves[4][0] ^= 1;
  EXPECT_THAT(findings(make("acme")), Contains("record 0:0 is not covered by the head"));
  tree_ = honest;
}

// A record that only who has the key could have covered: of another build, or made to be read
// wrong.
class RecordTest : public BundleTest {
 protected:
  // A bundle whose one record holds these bytes; what is found in it.
  std::vector<std::string> findings_of(const std::vector<uint8_t>& payload) {
    EvidenceRecord record{.number = {0}, .payload = {}, .size = payload.size()};
    record.payload.resize((payload.size() + 7) / 8);
    std::memcpy(record.payload.data(), payload.data(), payload.size());
    tree_.leaves = {TreeHasher().leaf(record.bytes())};
    head_ = key_.sign(
        {.origin = "tenure/log/0", .size = 1, .root = tree_.leaves.front(), .time = world_.now});
    NamedFiles files = files_;
    files["checkpoint"] = head_.note();
    files["records.ndjson"] = R"({"position":"0:0","payload":")" + to_base64(payload) +
                              R"(","proof":[]})"
                              "\n";
    return findings(files);
  }
  static std::vector<uint8_t> bytes_of(FlatBufferBuilder& builder) {
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
  }
  // The offset of a command of acme as a decision holds it.
  static flatbuffers::Offset<flatbuffers::Vector<uint8_t>> command_in(FlatBufferBuilder& builder) {
    FlatBufferBuilder command;
    const auto leave = schema::CreateLeaveOrganization(command).Union();
    command.Finish(schema::CreateCommandEnvelopeDirect(command, "c", "acme", "user:ann",
                                                       schema::Command::LeaveOrganization, leave));
    builder.ForceVectorAlignment(command.GetSize(), 1, 8);
    return builder.CreateVector(command.GetBufferPointer(), command.GetSize());
  }
};

TEST_F(RecordTest, OfAnEventThatThisBuildDoesNotKnowIsNamed) {
  FlatBufferBuilder builder;
  const auto command = command_in(builder);
  const auto event = schema::CreateOrganizationDeleted(builder).Union();
  const std::vector boxes = {
      schema::CreateEventBox(builder, static_cast<schema::Event>(250), event)};
  const auto events = builder.CreateVector(boxes);
  builder.Finish(schema::CreateDecision(builder, command, 0, 1, schema::Outcome::accepted, events),
                 schema::DecisionIdentifier());
  EXPECT_THAT(findings_of(bytes_of(builder)), Contains("record 0:0 is no decision of acme"));
}

TEST_F(RecordTest, OfARejectionThatSaysNothingIsNamed) {
  FlatBufferBuilder builder;
  const auto command = command_in(builder);
  builder.Finish(schema::CreateDecision(builder, command, 0, 1, schema::Outcome::rejected),
                 schema::DecisionIdentifier());
  EXPECT_THAT(findings_of(bytes_of(builder)), Contains("record 0:0 is no decision of acme"));
}

// A verified buffer may refer to its parts any number of times.
TEST_F(RecordTest, ThatExpandsTooFarIsNamed) {
  FlatBufferBuilder builder;
  const auto command = command_in(builder);
  const auto name = builder.CreateString(std::string(20'000, 'x'));
  const auto event = schema::CreateOrganizationRenamed(builder, name);
  const std::vector boxes(
      10'000, schema::CreateEventBox(builder, schema::Event::OrganizationRenamed, event.Union()));
  const auto events = builder.CreateVector(boxes);
  builder.Finish(schema::CreateDecision(builder, command, 0, 1, schema::Outcome::accepted, events),
                 schema::DecisionIdentifier());
  EXPECT_THAT(findings_of(bytes_of(builder)), Contains("record 0:0 is no decision of acme"));
}

TEST_F(BundleTest, HoldsNothingOfOthers) {
  for (const auto& [name, content] : files_) {
    EXPECT_EQ(content.find("another-one"), std::string::npos) << name;
    EXPECT_EQ(content.find("stranger"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace tenure::test
