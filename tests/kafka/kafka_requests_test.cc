// Commands that are sent to whichever process owns their partition, and the answers back, through a
// real broker.
#include "tools/server/kafka_requests.h"

#include "tests/kafka/kafka_intake_fixture.h"

namespace tenure::test {
namespace {

using Mode = IntakeProcess::Mode;
using std::chrono::steady_clock;

// An answer, kept.
struct Answered {
  Answer::Kind kind;
  Position position;
  std::string message, command_id;
};

// Collects answers; outlives those who give them. Any thread.
class Answers {
 public:
  Reply reply(size_t index = 0) {
    return [this, index](const Answer& answer) {
      const std::scoped_lock lock(mutex_);
      std::string id;
      if (!answer.decision.empty()) {
        const auto* decision = flatbuffers::GetRoot<schema::Decision>(answer.decision.data());
        id = decision->command_nested_root()->id()->str();
      }
      ++times_[index];
      answers_[index] = {answer.kind, answer.position, answer.message, id};
    };
  }
  bool wait(size_t count) const {
    return eventually([&] {
      const std::scoped_lock lock(mutex_);
      return answers_.size() >= count;
    });
  }
  Answered at(size_t index) const {
    const std::scoped_lock lock(mutex_);
    return answers_.at(index);
  }
  size_t times(size_t index) const {
    const std::scoped_lock lock(mutex_);
    const auto at = times_.find(index);
    return at == times_.end() ? 0 : at->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<size_t, Answered> answers_;
  std::map<size_t, size_t> times_;
};

class KafkaRequestsTest : public IntakeFixture {
 protected:
  std::unique_ptr<KafkaRequests> open(size_t max_waiting = 65'536) {
    return must(KafkaRequests::open({.connection = connection(),
                                     .prefix = prefix_,
                                     .partitions = kPartitions,
                                     .max_waiting = max_waiting}));
  }
  static CommandBytes command(const std::string& json) {
    CommandParser parser;
    auto parsed = parser.parse(json, {});
    CHECK(parsed.has_value());
    return *std::move(parsed);
  }
  static steady_clock::time_point soon() { return steady_clock::now() + kPatience; }

  Answered ask(KafkaRequests& requests, const std::string& json) {
    auto answers = std::make_shared<Answers>();
    requests.send(
        command(json), [answers, reply = answers->reply()](const Answer& a) { reply(a); }, soon());
    EXPECT_TRUE(answers->wait(1));
    return answers->at(0);
  }

  FakeLog log_;
};

TEST_F(KafkaRequestsTest, TheAnswerComesBackWithPositionAndDecision) {
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  const auto requests = open();
  const Answered decided = ask(*requests, create_json("c1", "acme"));
  EXPECT_EQ(decided.kind, Answer::Kind::kDecided);
  EXPECT_EQ(decided.position, (Position{{home("acme")}, {0}}));
  EXPECT_EQ(decided.command_id, "c1");
  const Answered again = ask(*requests, create_json("c1", "acme"));
  EXPECT_EQ(again.kind, Answer::Kind::kDuplicate);
  EXPECT_EQ(again.position, decided.position);
  const Answered mismatch =
      ask(*requests, R"({"id":"c1","org":"acme","actor":"user:olga","command_type":)"
                     R"("LeaveOrganization","command":{}})");
  EXPECT_EQ(mismatch.kind, Answer::Kind::kIdempotencyMismatch);
  EXPECT_EQ(mismatch.command_id, "c1");
  EXPECT_FALSE(mismatch.message.empty());
  EXPECT_EQ(requests->waiting(), 0u);
}

TEST_F(KafkaRequestsTest, ManyOfTwoProcessesAreAnsweredOnceEachByTheOwnersOfTheirPartitions) {
  IntakeProcess one(options(), log_);
  one.join_alone(kPartitions);
  IntakeProcess two(options(), log_);
  two.wait_assigned(kPartitions / 2);
  two.start_all();
  Answers answers;
  const auto here = open(), there = open();
  EXPECT_NE(here->reply_to(), there->reply_to());
  constexpr size_t kEach = 1000;
  const auto send = [&](KafkaRequests& requests, size_t from) {
    for (size_t i = from; i < from + kEach; ++i) {
      requests.send(command(create_json(fmt::format("c{}", i), fmt::format("org{}", i))),
                    answers.reply(i), soon());
    }
  };
  std::thread other([&] { send(*there, kEach); });
  send(*here, 0);
  other.join();
  EXPECT_TRUE(answers.wait(2 * kEach));
  here->close();
  there->close();
  for (size_t i = 0; i < 2 * kEach; ++i) {
    EXPECT_EQ(answers.times(i), 1u) << i;
    EXPECT_EQ(answers.at(i).kind, Answer::Kind::kDecided);
    EXPECT_EQ(answers.at(i).command_id, fmt::format("c{}", i));
    EXPECT_EQ(answers.at(i).position.partition.value, home(fmt::format("org{}", i)));
  }
  EXPECT_EQ(log_.count(), 2 * kEach);
  EXPECT_EQ(one.submitted().size() + two.submitted().size(), 2 * kEach);
  EXPECT_GT(two.submitted().size(), 0u);
}

TEST_F(KafkaRequestsTest, AtTheDeadlineItIsUnknownAndARetryGivesTheDecision) {
  Answers answers;
  const auto requests = open();
  requests->send(command(create_json("c1", "acme")), answers.reply(),
                 steady_clock::now() + std::chrono::milliseconds(100));
  EXPECT_TRUE(answers.wait(1));  // though no process owns anything
  EXPECT_EQ(answers.at(0).kind, Answer::Kind::kUnavailable);
  EXPECT_EQ(answers.at(0).message, "whether it was decided is unknown; retry with the same id");
  IntakeProcess process(options(), log_);
  process.join_alone(kPartitions);
  EXPECT_EQ(ask(*requests, create_json("c1", "acme")).kind, Answer::Kind::kDuplicate);
  EXPECT_EQ(log_.count(), 1u);
  EXPECT_EQ(answers.times(0), 1u);
}

TEST_F(KafkaRequestsTest, ClosingAnswersWhatWaitsAndWhatComesLater) {
  IntakeProcess process(options(), log_);
  process.set_mode(Mode::kHold);
  process.join_alone(kPartitions);
  Answers answers;
  const auto requests = open();
  for (size_t i = 0; i < 10; ++i) {
    requests->send(command(create_json(fmt::format("c{}", i), "acme")), answers.reply(i), soon());
  }
  EXPECT_TRUE(eventually([&] { return process.submitted().size() == 10; }));
  requests->close();
  requests->send(command(create_json("late", "acme")), answers.reply(10), soon());
  for (size_t i = 0; i <= 10; ++i) {
    EXPECT_EQ(answers.times(i), 1u) << i;
    EXPECT_EQ(answers.at(i).kind, Answer::Kind::kUnavailable);
  }
  EXPECT_EQ(requests->waiting(), 0u);
}

TEST_F(KafkaRequestsTest, BeyondTheLimitItIsRefusedAtOnceAndNotSent) {
  Answers answers;
  const auto requests = open(2);
  for (size_t i = 0; i < 3; ++i) {
    requests->send(command(create_json(fmt::format("c{}", i), "acme")), answers.reply(i), soon());
  }
  EXPECT_EQ(answers.times(2), 1u);
  EXPECT_EQ(answers.at(2).message, "too much is waiting; try again soon");
  EXPECT_EQ(requests->waiting(), 2u);
}

// Anybody may write to the results.
TEST_F(KafkaRequestsTest, AResultThatIsNoDecisionIsNotTakenForOne) {
  Answers answers;
  const auto requests = open();
  requests->send(command(create_json("c1", "acme")), answers.reply(), soon());
  const auto forge = [&](KafkaHeaders headers) {
    headers.emplace_back("reply-to", requests->reply_to());
    must(publisher_->publish({.topic = topic("results"),
                              .partition = static_cast<uint32_t>(std::stoul(requests->reply_to())),
                              .key = "c1",
                              .value = "garbage",
                              .headers = std::move(headers)},
                             [](const Result<void>&) {}));
  };
  forge({{"tenure-request", "12345"}, {"tenure-answer", "decided"}});
  forge({{"tenure-request", "0"}, {"tenure-answer", "decided"}, {"tenure-position", "0:0"}});
  EXPECT_TRUE(answers.wait(1));
  EXPECT_EQ(answers.at(0).kind, Answer::Kind::kUnavailable);
}

}  // namespace
}  // namespace tenure::test
