// Commands through a real broker: read, decided, answered, and settled exactly as far as they are.
#include "engine/partition/vouched_command.h"
#include "tests/kafka/kafka_intake_fixture.h"

namespace tenure::test {
namespace {

using Mode = IntakeProcess::Mode;

class KafkaIntakeTest : public IntakeFixture {
 protected:
  FakeLog log_;
};

const KafkaHeaders kReply = {{"reply-to", "me"}, {"tenure-request", "7"}};

KafkaHeaders with(KafkaHeaders headers, const KafkaHeaders& more) {
  headers.insert(headers.end(), more.begin(), more.end());
  return headers;
}

TEST_F(KafkaIntakeTest, JsonIsDecidedAndAnsweredAsOverHttp) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  publish_for("acme", create_json("c1", "acme"), kReply);
  const Message result = TopicReader(topic("results")).read(1).at(0);
  EXPECT_EQ(result.key, "c1");
  EXPECT_EQ(result.partition.value, partition_of("c1", kPartitions));
  EXPECT_EQ(result.header("reply-to"), "me");
  EXPECT_EQ(result.header("tenure-request"), "7");
  EXPECT_EQ(result.header("tenure-answer"), "decided");
  EXPECT_EQ(result.header("tenure-position"), fmt::format("{}:0", home("acme")));
  EXPECT_EQ(result.header("content-type"), "application/json");
  EXPECT_THAT(result.value, ::testing::StartsWith(
                                fmt::format(R"({{"position":"{}:0","org":"acme")", home("acme"))));
  EXPECT_THAT(result.value, ::testing::HasSubstr(R"("outcome":"accepted")"));
}

TEST_F(KafkaIntakeTest, FlatBuffersAreToldByHeaderOrIdentifierAndAnsweredAsSuchOnRequest) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  const KafkaHeaders accept = {{"accept", "application/octet-stream"}};
  publish_for("acme", binary(create_json("c1", "acme")), with(kReply, accept));
  publish_for("acme", binary(create_json("c1", "acme")),
              with(with(kReply, accept), {{"content-type", "application/octet-stream"}}));
  const auto results = TopicReader(topic("results")).read(2);
  EXPECT_EQ(results[0].header("tenure-answer"), "decided");
  EXPECT_EQ(results[1].header("tenure-answer"), "duplicate");
  for (const Message& each : results) {
    EXPECT_EQ(each.header("content-type"), "application/octet-stream");
    const auto* bytes = reinterpret_cast<const uint8_t*>(each.value.data());
    flatbuffers::Verifier verifier(bytes, each.value.size());
    ASSERT_TRUE(schema::VerifyDecisionBuffer(verifier));
    EXPECT_EQ(schema::GetDecision(bytes)->command_nested_root()->id()->str(), "c1");
  }
}

TEST_F(KafkaIntakeTest, ARejectionAndAUsedIdAreAnsweredAsProblems) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  publish_for("acme", create_json("c1", "acme"), kReply);
  publish_for("acme", create_json("c2", "acme"), kReply);
  publish_for("acme",
              R"({"id":"c1","org":"acme","actor":"user:olga","command_type":"AddMember",)"
              R"("command":{"user":"bob","role":"MANAGER"}})",
              kReply);
  std::map<std::string, Message> by_answer;
  for (const Message& each : TopicReader(topic("results")).read(3)) {
    by_answer[each.key + " " + each.header("tenure-answer")] = each;
  }
  const Message& rejected = by_answer["c2 decided"];
  EXPECT_EQ(rejected.header("content-type"), "application/problem+json");
  EXPECT_THAT(rejected.value, ::testing::HasSubstr(R"("code":"already_exists")"));
  EXPECT_THAT(rejected.value, ::testing::HasSubstr(R"("outcome":"rejected")"));
  const Message& mismatch = by_answer["c1 idempotency_mismatch"];
  EXPECT_THAT(mismatch.value, ::testing::HasSubstr("idempotency_mismatch"));
}

TEST_F(KafkaIntakeTest, AResultGoesToThePartitionThatIsAskedFor) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  for (uint32_t n = 0; n < kPartitions; ++n) {
    publish_for("acme", create_json("c1", "acme"),
                {{"reply-to", fmt::format("{}@someone", n)}, {"n", "1"}});
  }
  publish_for("acme", create_json("c1", "acme"), {{"reply-to", "99@someone"}});
  std::map<std::string, uint32_t> partitions;
  for (const Message& each : TopicReader(topic("results")).read(kPartitions + 1)) {
    partitions[each.header("reply-to")] = each.partition.value;
  }
  for (uint32_t n = 0; n < kPartitions; ++n) {
    EXPECT_EQ(partitions[fmt::format("{}@someone", n)], n);
  }
  EXPECT_EQ(partitions["99@someone"], partition_of("c1", kPartitions));
}

TEST_F(KafkaIntakeTest, WithoutAnIdItGetsOneOfItsPlaceAndWithoutAnActorTheAdministrators) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  const std::string bare = R"({"org":"acme","command_type":"CreateOrganization",)"
                           R"("command":{"name":"Acme","rulebook":"space","owner":"olga"}})";
  publish_for("acme", bare, kReply);
  const Message result = TopicReader(topic("results")).read(1).at(0);
  EXPECT_EQ(result.key, fmt::format("kafka-{}-0", home("acme")));
  EXPECT_THAT(result.value, ::testing::HasSubstr(R"("actor":"service:admin")"));
}

TEST_F(KafkaIntakeTest, AMisroutedCommandIsForwardedOnceWithAllItCarries) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  const uint32_t wrong = (home("acme") + 1) % kPartitions;
  std::string bare = create_json("c1", "acme");
  bare.erase(bare.find(R"("id":"c1",)"), 10);
  publish(wrong, bare, with(kReply, {{"mine", "kept"}}), "some key");
  const Message result = TopicReader(topic("results")).read(1).at(0);
  EXPECT_EQ(result.header("tenure-answer"), "decided");
  EXPECT_EQ(result.header("tenure-position"), fmt::format("{}:0", home("acme")));
  // Of where it was published: the same if it were forwarded again.
  EXPECT_EQ(result.key, fmt::format("kafka-{}-0", wrong));
  const auto commands = TopicReader(topic("commands")).read(2);
  const auto at = std::ranges::find(commands, PartitionId{home("acme")}, &Message::partition);
  ASSERT_NE(at, commands.end());
  EXPECT_EQ(at->key, "some key");
  EXPECT_EQ(at->value, bare);
  EXPECT_EQ(at->header("mine"), "kept");
  EXPECT_EQ(at->header("tenure-hops"), "1");
  EXPECT_EQ(at->header("tenure-origin"), fmt::format("{}-{}-0", topic("commands"), wrong));
}

TEST_F(KafkaIntakeTest, ASecondMissGoesToQuarantine) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  publish((home("acme") + 1) % kPartitions, create_json("c1", "acme"),
          with(kReply, {{"tenure-hops", "1"}}));
  EXPECT_THAT(TopicReader(topic("quarantine")).read(1).at(0).header("tenure-error"),
              ::testing::HasSubstr(fmt::format("of partition {}", home("acme"))));
  const Message result = TopicReader(topic("results")).read(1).at(0);
  EXPECT_EQ(result.header("tenure-answer"), "decided");
  EXPECT_THAT(result.value, ::testing::HasSubstr(R"("code":"malformed")"));
  // Acme's own log is elsewhere.
  EXPECT_THAT(result.value, ::testing::HasSubstr(R"("org":"_unknown-)"));
  EXPECT_EQ(log_.count(), 1u);
}

TEST_F(KafkaIntakeTest, WhatIsNoCommandIsDecidedAsMalformedAndGoesToQuarantineAsItCame) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  std::string deep = R"({"id":"d","org":"acme","command":)";
  for (int i = 0; i < 50'000; ++i) deep += '[';
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "neither"},
      {"garbage \x01\xff", "neither"},
      {"{\"id\":", "malformed: "},
      {deep, "malformed: "},
      {std::string(8, '\0'), "neither"},
      {std::string("\x10\0\0\0TNRCgarbage", 15), "not a valid CommandEnvelope"},
      {create_json("_c", "acme"), "invalid_id: "},
      {create_json("c", "system:acme"), "invalid_id: "},
      {R"({"id":"u","org":"acme","actor":"user:o","command_type":"UnreadableMessage",)"
       R"("command":{"why":"x","sha256":"y"}})",
       "send the command itself"},
      {std::string(10'000'000, 'x'), "neither"},
      {"{" + std::string(10'000'000, ' '), "malformed: "},
  };
  const uint32_t at = home("acme");
  for (const auto& [value, _] : bad) publish(at, value, with(kReply, {{"mine", "kept"}}), "acme");
  publish(at, create_json("c", "acme"), {{"content-type", "text/plain"}});
  const auto found = TopicReader(topic("quarantine")).read(bad.size() + 1);
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(found[i].value, bad[i].first) << i;
    EXPECT_EQ(found[i].key, "acme");
    EXPECT_EQ(found[i].header("mine"), "kept");
    EXPECT_EQ(found[i].header("tenure-origin"), fmt::format("{}-{}-{}", topic("commands"), at, i));
    EXPECT_THAT(found[i].header("tenure-error"), ::testing::HasSubstr(bad[i].second)) << i;
  }
  const auto results = TopicReader(topic("results")).read(bad.size());
  EXPECT_EQ(results.size(), bad.size());
  for (const Message& each : results) {
    EXPECT_EQ(each.header("tenure-answer"), "decided");
    EXPECT_EQ(each.header("content-type"), "application/problem+json");
    EXPECT_THAT(each.value, ::testing::HasSubstr(R"("org":"acme")"));
    EXPECT_THAT(each.value, ::testing::HasSubstr(R"("code":"malformed")"));
    EXPECT_THAT(each.key, ::testing::StartsWith(fmt::format("kafka-{}-", at)));
  }
  EXPECT_EQ(log_.count(), bad.size() + 1);
  EXPECT_TRUE(
      eventually([&] { return process.intake().settled_below({at}) == Offset{bad.size() + 1}; }));
}

// What the decision says of a message: its organization, actor, and the SHA-256 of the message.
TEST_F(KafkaIntakeTest, AMalformedDecisionIsInTheNameOfTheSenderAsFarAsOneIsNamed) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  const std::string named =
      R"({"id":"c1","org":"acme","actor":"user:olga","command_type":"Dance","command":{}})";
  const uint32_t at = home("acme"), other = (at + 1) % kPartitions;
  publish(at, named, kReply, "somebody");
  publish(at, "garbage", kReply, "acme");
  publish(other, named, kReply);
  publish(other, "garbage", kReply, "no/such id");
  const auto results = TopicReader(topic("results")).read(4);
  const auto said = [&](const std::string& key) {
    return std::ranges::find(results, key, &Message::key)->value;
  };
  using ::testing::HasSubstr;
  for (const auto& [partition, offset] : {std::pair(at, 0), std::pair(other, 0)}) {
    const std::string value = said(fmt::format("kafka-{}-{}", partition, offset));
    EXPECT_THAT(value, HasSubstr(fmt::format(R"("position":"{}:)", at)));
    EXPECT_THAT(value, HasSubstr(R"("org":"acme")"));
    EXPECT_THAT(value, HasSubstr(R"("actor":"user:olga")"));
    EXPECT_THAT(value, HasSubstr(R"("command_type":"UnreadableMessage")"));
  }
  const std::string keyed = said(fmt::format("kafka-{}-1", at));
  EXPECT_THAT(keyed, HasSubstr(R"("org":"acme")"));
  EXPECT_THAT(keyed, HasSubstr(R"("actor":"service:_unknown")"));
  const std::string nobodys = said(fmt::format("kafka-{}-1", other));
  EXPECT_THAT(nobodys, HasSubstr(fmt::format(R"("position":"{}:)", other)));
  EXPECT_THAT(nobodys, HasSubstr(R"("org":"_unknown-)"));
  const auto kept = TopicReader(topic("quarantine")).read(4);
  const auto place = [&](const Message& message) { return message.header("tenure-origin"); };
  std::set<std::string> origins;
  for (const Message& each : kept) origins.insert(place(each));
  const std::string name = topic("commands");
  EXPECT_EQ(origins,
            (std::set{fmt::format("{}-{}-0", name, at), fmt::format("{}-{}-1", name, at),
                      fmt::format("{}-{}-0", name, other), fmt::format("{}-{}-1", name, other)}));
}

TEST_F(KafkaIntakeTest, AMalformedDecisionWhoseAnswerWasLostIsNotMadeAgain) {
  IntakeProcess process(options(), log_);
  process.set_mode(Mode::kDecideAndLose);
  process.join_alone(kPartitions);
  publish_for("acme", "garbage", kReply);
  EXPECT_TRUE(eventually([&] { return process.intake().stats().read_again > 0; }));
  EXPECT_EQ(log_.count(), 1u);
  process.set_mode(Mode::kDecide);
  const Message result = TopicReader(topic("results")).read(1).at(0);
  EXPECT_EQ(result.header("tenure-answer"), "duplicate");
  EXPECT_EQ(TopicReader(topic("quarantine")).read(1).size(), 1u);
  EXPECT_EQ(log_.count(), 1u);
}

// Keys that cannot be made for now, and then can.
class ClosedKeys final : public PersonKeys {
 public:
  explicit ClosedKeys(PersonKeys& keys) : keys_(keys) {}
  Result<std::vector<PersonKey>> keys_of(std::span<const std::string_view> subjects) override {
    if (open) return keys_.keys_of(subjects);
    return fail(ErrorKind::kUnavailable, "not now");
  }
  std::optional<PersonKey> find(std::string_view subject) const override {
    return keys_.find(subject);
  }
  Result<void> catch_up() override { return keys_.catch_up(); }
  Result<void> destroy(std::string_view subject, const PersonKeyName& name) override {
    return keys_.destroy(subject, name);
  }
  ErasureMark erasure_mark(PartitionId partition) const override {
    return keys_.erasure_mark(partition);
  }
  Result<void> mark_erasures(PartitionId partition, const ErasureMark& mark) override {
    return keys_.mark_erasures(partition, mark);
  }
  std::atomic<bool> open = false;

 private:
  PersonKeys& keys_;
};

const std::string kPersonal =
    R"({"id":"c1","org":"acme","actor":"user:olga","command_type":"CreateOrganization",)"
    R"("command":{"name":"Acme","rulebook":"space"},"reason":"we begin"})";

TEST_F(KafkaIntakeTest, PersonalTextIsSealedBeforeItIsSubmittedAndShownInTheResult) {
  const KeyUnsealer unsealer(*keys_);
  KafkaIntakeOptions opening = options();
  opening.unsealer = &unsealer;
  IntakeProcess process(opening, log_);
  process.join_alone(kPartitions);
  publish_for("acme", kPersonal, kReply);
  publish_for("acme", kPersonal, with(kReply, {{"accept", "application/octet-stream"}}));
  const auto results = TopicReader(topic("results")).read(2);
  EXPECT_THAT(results[0].value, ::testing::HasSubstr(R"("reason":"we begin")"));
  EXPECT_THAT(results[0].value, ::testing::HasSubstr(R"("outcome":"accepted")"));
  EXPECT_EQ(results[1].header("tenure-answer"), "duplicate");
  EXPECT_THAT(results[1].value, ::testing::Not(::testing::HasSubstr("we begin")));
  EXPECT_TRUE(keys_->find("olga"));
}

TEST_F(KafkaIntakeTest, WhatAnotherProcessSealedIsTakenAndABoxOfAnotherCommandIsNot) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  CommandParser parser;
  const auto sealed = must(seal_command(*parser.parse(kPersonal, {}), *keys_));
  publish_for("acme", {reinterpret_cast<const char*>(sealed.view().data()), sealed.view().size()},
              kReply);
  EXPECT_EQ(TopicReader(topic("results")).read(1).at(0).header("tenure-answer"), "decided");
  // The same box, under another command's id.
  const auto* reason = sealed.get().reason();
  flatbuffers::FlatBufferBuilder builder;
  const auto leave = schema::CreateLeaveOrganization(builder).Union();
  const auto subject = builder.CreateString(reason->subject());
  const auto box = builder.CreateVector(reason->box()->data(), reason->box()->size());
  const auto copied = schema::CreateSealed(builder, 0, subject, box);
  builder.Finish(schema::CreateCommandEnvelopeDirect(builder, "c2", "acme", "user:olga",
                                                     schema::Command::LeaveOrganization, leave,
                                                     flatbuffers::nullopt, copied),
                 schema::CommandEnvelopeIdentifier());
  publish_for("acme",
              {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
  EXPECT_THAT(TopicReader(topic("quarantine")).read(1).at(0).header("tenure-error"),
              ::testing::HasSubstr("not sealed for this command"));
}

TEST_F(KafkaIntakeTest, WhatIsVouchedForTakesTheProofOfAnotherProcessForThisVeryCommand) {
  KafkaIntakeOptions opening = options();
  opening.ingress_key = PersonKey{1, 2, 3};
  IntakeProcess process(opening, log_);
  process.join_alone(kPartitions);
  CommandParser parser;
  const auto vouched = [&](std::string_view id) {
    const std::string json =
        R"({"id":")" + std::string(id) +
        R"(","org":"acme","actor":"user:olga",)"
        R"("command_type":"CreateOrganization","command":{"name":"Acme","rulebook":"space"}})";
    return vouch_for(*parser.parse(json, {}), {.sign_in = "https://id.example", .key_hash = {}});
  };
  const auto send = [&](const CommandBytes& command, KafkaHeaders headers) {
    publish_for("acme",
                {reinterpret_cast<const char*>(command.view().data()), command.view().size()},
                std::move(headers));
  };
  const CommandBytes first = vouched("v1"), second = vouched("v2");
  const std::string name(kProofHeader);
  send(first, {});
  send(first, {{name, "made up"}});
  send(first, {{name, ingress_proof(PersonKey{4}, first.get())}});
  send(first, {{name, ingress_proof(*opening.ingress_key, second.get())}});
  for (const Message& refused : TopicReader(topic("quarantine")).read(4)) {
    EXPECT_THAT(refused.header("tenure-error"), ::testing::StartsWith("malformed: "));
  }
  send(first, with(kReply, {{name, ingress_proof(*opening.ingress_key, first.get())}}));
  const auto results = TopicReader(topic("results")).read(1);
  EXPECT_EQ(results[0].header("tenure-answer"), "decided");
  EXPECT_THAT(results[0].value, ::testing::HasSubstr(R"("outcome":"accepted")"));
}

TEST_F(KafkaIntakeTest, WithoutKeysForItACommandWaitsAndIsReadAgain) {
  ClosedKeys keys(*keys_);
  KafkaIntakeOptions opening = options();
  opening.keys = &keys;
  IntakeProcess process(opening, log_);
  process.join_alone(kPartitions);
  publish_for("acme", kPersonal, kReply);
  EXPECT_TRUE(eventually([&] { return process.intake().stats().read_again > 0; }));
  EXPECT_EQ(log_.count(), 0u);
  keys.open = true;
  EXPECT_EQ(TopicReader(topic("results")).read(1).at(0).header("tenure-answer"), "decided");
  EXPECT_EQ(log_.count(), 1u);
}

TEST_F(KafkaIntakeTest, TheLargestMessageIsQuarantinedTruncated) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  const std::string largest(10'485'760 - 1'000, 'x');
  publish(0, largest);
  const Message found = TopicReader(topic("quarantine")).read(1).at(0);
  EXPECT_EQ(found.header("tenure-truncated"), std::to_string(largest.size()));
  EXPECT_TRUE(largest.starts_with(found.value));
  EXPECT_GT(found.value.size(), 10'000'000u);
}

}  // namespace
}  // namespace tenure::test
