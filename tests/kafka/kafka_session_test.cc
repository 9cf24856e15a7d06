// The latch, with a sender that reports what the test says.
#include "engine/log/kafka_session.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/log/log_fixture.h"

namespace tenure::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Session kSession{Stamp{11}, Number{5}};  // claimed at offset 10, so 5 lies at 11

class KafkaSessionTest : public testing::Test, protected KafkaSender {
 protected:
  Result<void> send(std::shared_ptr<KafkaParcel> parcel) override {
    if (full_) return fail(ErrorKind::kUnavailable, "the queue is full");
    for (const auto& record : parcel->records) sent_.push_back({parcel, record});
    return {};
  }
  void wake() override { session_->deliver(); }

  void append(uint32_t count) { session_->append(make_batch(next_, count), note(), *this); }
  DecisionLog::Done note() {
    return [this](Result<void> result) {
      outcomes_.push_back(result ? "durable" : "failed");
      if (!result) last_ = result.error();
    };
  }
  // The next record sent and not yet reported.
  void report(Result<Offset> offset) {
    auto [parcel, record] = sent_.front();
    sent_.erase(sent_.begin());
    parcel->reported(record, std::move(offset));
    session_->deliver();
  }
  void report_at(uint64_t offset) { report(Offset{offset}); }

  std::shared_ptr<KafkaSession> session_ = std::make_shared<KafkaSession>(
      kPartition, kSession, [this](ReaderPosition end) { ends_.push_back(end.next_offset.value); });
  Session next_ = kSession;
  std::vector<std::pair<std::shared_ptr<KafkaParcel>, Bytes>> sent_;
  bool full_ = false;
  std::vector<std::string> outcomes_;
  std::vector<uint64_t> ends_;
  Error last_{};
};

TEST_F(KafkaSessionTest, BatchIsDurableWhenItsLastRecordLandedWhereExpected) {
  append(2);
  report_at(11);
  EXPECT_THAT(outcomes_, IsEmpty());
  report_at(12);
  EXPECT_THAT(outcomes_, ElementsAre("durable"));
  EXPECT_THAT(ends_, ElementsAre(13u));
}

TEST_F(KafkaSessionTest, AnotherOffsetIsDoubt) {
  append(1);
  report_at(12);
  EXPECT_THAT(outcomes_, ElementsAre("failed"));
  EXPECT_EQ(last_.kind, ErrorKind::kConflict);
  EXPECT_THAT(last_.message, HasSubstr("should lie at offset 11, but it landed at offset 12"));
  EXPECT_TRUE(session_->ended());
}

TEST_F(KafkaSessionTest, NoOffsetIsDoubt) {
  append(1);
  report(fail(ErrorKind::kConflict, "acknowledged without an offset"));
  EXPECT_THAT(outcomes_, ElementsAre("failed"));
  EXPECT_EQ(last_.kind, ErrorKind::kConflict);
}

TEST_F(KafkaSessionTest, AnErrorIsDoubtWhateverItsKind) {
  append(1);
  report(fail(ErrorKind::kUnavailable, "the broker is gone"));
  EXPECT_THAT(outcomes_, ElementsAre("failed"));
  EXPECT_EQ(last_.kind, ErrorKind::kConflict);
  EXPECT_THAT(last_.message, HasSubstr("the broker is gone"));
}

TEST_F(KafkaSessionTest, AFullQueueIsDoubt) {
  full_ = true;
  append(1);
  EXPECT_THAT(outcomes_, ElementsAre("failed"));
  EXPECT_EQ(last_.kind, ErrorKind::kConflict);
}

TEST_F(KafkaSessionTest, AfterTheFirstDoubtNoLaterReportAnswersAnyone) {
  append(1);
  append(1);
  append(1);
  report_at(11);
  report_at(20);
  report_at(13);  // as if nothing had been
  EXPECT_THAT(outcomes_, ElementsAre("durable", "failed", "failed"));
  EXPECT_THAT(ends_, ElementsAre(12u));
}

TEST_F(KafkaSessionTest, BatchesAppendedAfterADoubtFailAndAreNotSent) {
  append(1);
  report_at(20);
  append(1);
  EXPECT_THAT(sent_, IsEmpty());
  EXPECT_THAT(outcomes_, ElementsAre("failed", "failed"));
}

TEST_F(KafkaSessionTest, WhatWasWhollyAcknowledgedBeforeADoubtIsDurable) {
  append(1);
  append(1);
  auto [parcel, record] = sent_.front();
  parcel->reported(record, Offset{11});
  session_->doubt({ErrorKind::kConflict, "claimed by another"});
  session_->deliver();
  EXPECT_THAT(outcomes_, ElementsAre("durable", "failed"));
}

TEST_F(KafkaSessionTest, AHalfAcknowledgedBatchIsNotDurableAfterADoubt) {
  append(2);
  report_at(11);
  session_->doubt({ErrorKind::kConflict, "claimed by another"});
  report_at(12);
  EXPECT_THAT(outcomes_, ElementsAre("failed"));
}

TEST_F(KafkaSessionTest, MemoryOfRecordsStaysUntilTheyAreReported) {
  append(1);
  session_->doubt({ErrorKind::kConflict, "claimed by another"});
  session_->deliver();
  EXPECT_EQ(parse_record(sent_[0].second).status, RecordStatus::kOk);
  EXPECT_EQ(parse_record(sent_[0].second).prefix.number, Number{5});
}

// Appends, reports and a doubt from three threads: an unbroken run of successes, then failures.
TEST(KafkaSessionThreads, OutcomesAreInOrderWhoeverDoubts) {
  struct Sender final : KafkaSender {
    Result<void> send(std::shared_ptr<KafkaParcel> parcel) override {
      const std::scoped_lock lock(mutex);
      sent.push_back(std::move(parcel));
      return {};
    }
    void wake() override {}
    std::mutex mutex;
    std::deque<std::shared_ptr<KafkaParcel>> sent;
  } sender;
  constexpr uint64_t kBatches = 3000;
  std::atomic<uint64_t> durable = 0, failed = 0;
  const auto session = std::make_shared<KafkaSession>(kPartition, kSession, [](ReaderPosition) {});
  std::jthread reporter([&] {
    uint64_t offset = kSession.stamp.value;
    while (durable + failed < kBatches) {
      std::shared_ptr<KafkaParcel> parcel;
      {
        const std::scoped_lock lock(sender.mutex);
        if (!sender.sent.empty()) {
          parcel = std::move(sender.sent.front());
          sender.sent.pop_front();
        }
      }
      if (parcel) parcel->reported(parcel->records[0], Offset{offset++});
      session->deliver();
    }
  });
  std::jthread doubter([&] {
    while (durable < kBatches / 10) std::this_thread::yield();
    session->doubt({ErrorKind::kConflict, "claimed by another"});
  });
  Session next = kSession;
  for (uint64_t i = 0; i < kBatches; ++i) {
    session->append(
        make_batch(next, 1),
        [&](Result<void> result) {
          EXPECT_FALSE(result && failed > 0);
          ++(result ? durable : failed);
        },
        sender);
  }
  reporter.join();
  EXPECT_GE(durable, kBatches / 10);
  EXPECT_EQ(durable + failed, kBatches);
}

TEST_F(KafkaSessionTest, DroppedBatchesCallNobody) {
  append(1);
  session_->drop();
  EXPECT_FALSE(session_->deliver());
  EXPECT_THAT(outcomes_, IsEmpty());
}

}  // namespace
}  // namespace tenure::test
