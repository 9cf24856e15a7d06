#include "tools/server/eraser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "engine/json/json_edge.h"
#include "engine/log/memory_log.h"
#include "engine/partition/command_bytes.h"
#include "schemas/decision_generated.h"
#include "tools/server/mailbox.h"

namespace tenure {
namespace {

constexpr PartitionId kPartition{0};

// One person's key. Destroying waits until it is let through, and says what it was told to.
class GatedKeys final : public PersonKeys {
 public:
  Result<std::vector<PersonKey>> keys_of(std::span<const std::string_view>) override {
    return std::vector<PersonKey>{key};
  }
  std::optional<PersonKey> find(std::string_view) const override {
    const std::scoped_lock lock(mutex_);
    return destroyed_ ? std::nullopt : std::optional(key);
  }
  Result<void> catch_up() override { return {}; }
  Result<void> destroy(std::string_view subject, const PersonKeyName& name) override {
    std::unique_lock lock(mutex_);
    ++tries_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !outcomes_.empty(); });
    Result<void> outcome = std::move(outcomes_.front());
    outcomes_.pop_front();
    if (outcome && subject == "bob" && name == name_of(key)) destroyed_ = true;
    return outcome;
  }
  ErasureMark erasure_mark(PartitionId) const override {
    const std::scoped_lock lock(mutex_);
    return mark_;
  }
  Result<void> mark_erasures(PartitionId, const ErasureMark& mark) override {
    const std::scoped_lock lock(mutex_);
    mark_ = mark;
    changed_.notify_all();
    return {};
  }

  void let_through(Result<void> outcome) {
    const std::scoped_lock lock(mutex_);
    outcomes_.push_back(std::move(outcome));
    changed_.notify_all();
  }
  void wait_for_tries(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return tries_ >= count; });
  }
  void wait_for_mark(uint64_t next) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return mark_.next == next; });
  }

  const PersonKey key{1, 2, 3};

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result<void>> outcomes_;
  int tries_ = 0;
  bool destroyed_ = false;
  ErasureMark mark_;
};

class EraserTest : public testing::Test {
 protected:
  EraserTest() { session_ = log_.open_writer(kPartition, {"p", "", "", 1}).value(); }

  // The command, and what was decided on it.
  static CommandBytes erase() {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(schema::CreateCommandEnvelopeDirect(
                       builder, "c", "acme", "service:admin", schema::Command::EraseSubject,
                       schema::CreateEraseSubjectDirect(builder, "bob").Union()),
                   schema::CommandEnvelopeIdentifier());
    return trusted_command({builder.GetBufferPointer(), builder.GetSize()});
  }
  std::vector<uint8_t> decision() const {
    const CommandBytes command = erase();
    const PersonKeyName name = name_of(keys_.key);
    const std::vector<uint8_t> bytes(name.begin(), name.end());
    flatbuffers::FlatBufferBuilder builder;
    const auto event = schema::CreateSubjectErasedDirect(builder, "bob", &bytes);
    const std::vector<flatbuffers::Offset<schema::EventBox>> events = {
        schema::CreateEventBox(builder, schema::Event::SubjectErased, event.Union())};
    const auto envelope = builder.CreateVector(command.view().data(), command.view().size());
    schema::FinishDecisionBuffer(
        builder, schema::CreateDecision(builder, envelope, 1, 1, schema::Outcome::accepted,
                                        builder.CreateVector(events)));
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
  }
  void append(const std::vector<uint8_t>& decision) {
    Batch batch{session_.next, 1, {}};
    append_record(batch.bytes,
                  {.stamp = session_.stamp, .number = session_.next, .tag = session_.tag},
                  std::as_bytes(std::span(decision)));
    session_.next = session_.next.next();
    log_.append(kPartition, std::move(batch), [](const Result<void>&) {});
    while (log_.pump()) {
    }
  }

  Reply wrapped() {
    return eraser_.once_erased(
        erase(), [this](const Answer& answer) { answers_.push_back(answer.kind); }, kPartition);
  }
  void decided(const Reply& reply, Answer::Kind kind = Answer::Kind::kDecided) {
    const std::vector<uint8_t> bytes = decision();
    reply(answer_with(kind, {kPartition, Number{0}}, std::as_bytes(std::span(bytes))));
  }
  // What the engine thread would run; waits until there is something.
  void run_posted() {
    Mailbox::Content content;
    while (content.jobs.empty()) mailbox_.take(std::chrono::seconds(1), content);
    for (auto& job : content.jobs) job();
  }

  MemoryLog log_;
  Session session_;
  GatedKeys keys_;
  Mailbox mailbox_;
  std::vector<Answer::Kind> answers_;
  std::vector<Error> failures_;
  Eraser eraser_{
      {.log = log_,
       .log_id = [](PartitionId) -> Result<std::string> { return std::string("memory"); },
       .keys = keys_,
       .post = [this](std::function<void()> job) { mailbox_.post(std::move(job)); },
       .on_failure = [this](const Error& error) { failures_.push_back(error); }},
      1};
};

TEST_F(EraserTest, AnErasureIsAnsweredOnceItsKeyIsDestroyed) {
  for (const auto kind : {Answer::Kind::kDecided, Answer::Kind::kDuplicate}) {
    decided(wrapped(), kind);
    keys_.wait_for_tries(answers_.empty() ? 1 : 2);
    EXPECT_FALSE(eraser_.is_done(kPartition));
    const size_t before = answers_.size();
    keys_.let_through({});
    run_posted();
    EXPECT_EQ(keys_.find("bob"), std::nullopt);
    ASSERT_EQ(answers_.size(), before + 1);
    EXPECT_EQ(answers_.back(), kind);
  }
  eraser_.stop();
  EXPECT_TRUE(eraser_.is_done(kPartition));
}

TEST_F(EraserTest, WhatCannotBeDoneNowIsSaidOnceAndDoneLater) {
  decided(wrapped());
  keys_.let_through(fail(ErrorKind::kUnavailable, "no broker"));
  run_posted();
  EXPECT_EQ(answers_, std::vector{Answer::Kind::kUnavailable});
  keys_.wait_for_tries(2);
  EXPECT_FALSE(eraser_.is_done(kPartition));
  keys_.let_through({});
  eraser_.stop();
  EXPECT_TRUE(eraser_.is_done(kPartition));
  EXPECT_EQ(keys_.find("bob"), std::nullopt);
  EXPECT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(failures_.empty());
}

TEST_F(EraserTest, WhatFailsForGoodEndsTheProcessAndIsLeftToTheNext) {
  decided(wrapped());
  keys_.let_through(fail(ErrorKind::kIo, "the disk is broken"));
  run_posted();
  eraser_.stop();
  EXPECT_EQ(answers_, std::vector{Answer::Kind::kUnavailable});
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_FALSE(eraser_.is_done(kPartition)) << "its mark may not be moved";
}

// Whether it was decided is unknown: the log says that it was.
TEST_F(EraserTest, AnUnknownOutcomeIsLookedUpInTheLog) {
  append(decision());
  wrapped()(unavailable("the log failed"));
  EXPECT_EQ(answers_, std::vector{Answer::Kind::kUnavailable});
  keys_.let_through({});
  eraser_.stop();
  EXPECT_EQ(keys_.find("bob"), std::nullopt);
  EXPECT_TRUE(eraser_.is_done(kPartition));
  EXPECT_EQ(keys_.erasure_mark(kPartition).next, 1u);
}

TEST_F(EraserTest, OthersLeftoversAreCarriedOutBeforeWhatWaitsForThem) {
  append(decision());
  bool ready = false;
  eraser_.catch_up(kPartition, [&] { ready = true; });
  keys_.wait_for_tries(1);
  keys_.let_through({});
  run_posted();
  EXPECT_TRUE(ready);
  EXPECT_EQ(keys_.find("bob"), std::nullopt);
}

TEST_F(EraserTest, TheMarkIsMovedNowAndThenAndNeverPastWhatIsLeft) {
  const Reply reply = wrapped();
  eraser_.advance(kPartition, Number{500'000});
  decided(reply);
  keys_.let_through({});
  run_posted();
  EXPECT_EQ(keys_.erasure_mark(kPartition), ErasureMark{});
  while (!eraser_.is_done(kPartition)) std::this_thread::yield();
  eraser_.advance(kPartition, Number{500'001});
  keys_.wait_for_mark(500'001);
  eraser_.advance(kPartition, Number{500'002});
  eraser_.stop();
  EXPECT_EQ(keys_.erasure_mark(kPartition).next, 500'001u) << "not for every decision";
}

TEST_F(EraserTest, AfterAStopNobodyIsLeftWithoutAnAnswer) {
  const Reply late = wrapped();
  eraser_.stop();
  decided(late);
  EXPECT_EQ(answers_, std::vector{Answer::Kind::kUnavailable});
  EXPECT_FALSE(eraser_.is_done(kPartition));
}

TEST_F(EraserTest, OtherCommandsAreNotHeldBack) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(schema::CreateCommandEnvelopeDirect(
                     builder, "c", "acme", "user:ada", schema::Command::RemoveMember,
                     schema::CreateRemoveMemberDirect(builder, "bob").Union()),
                 schema::CommandEnvelopeIdentifier());
  const CommandBytes remove = trusted_command({builder.GetBufferPointer(), builder.GetSize()});
  const auto reply = eraser_.once_erased(
      remove, [this](const Answer& answer) { answers_.push_back(answer.kind); }, kPartition);
  decided(reply);
  EXPECT_EQ(answers_, std::vector{Answer::Kind::kDecided});
}

}  // namespace
}  // namespace tenure
