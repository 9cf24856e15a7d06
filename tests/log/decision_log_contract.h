// What every decision log keeps to. A log joins by a harness type:
//
//   DecisionLog& log();          // open, nobody writes yet
//   void step();                 // lets the log get on with what was appended
//   void restart();              // the process stops cleanly and starts again
#pragma once

#include <gmock/gmock.h>

#include <atomic>

#include "tests/log/log_fixture.h"

namespace tenure::test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

template <class Harness>
class DecisionLogContract : public testing::Test {
 protected:
  DecisionLog& log() { return harness_.log(); }

  Session claim() { return must(log().open_writer(kPartition, kWriter)); }

  // Appends a batch; its outcome goes into outcomes_, the end it saw into ends_seen_.
  void append(Batch batch) {
    ++waiting_;
    log().append(kPartition, std::move(batch), [this](Result<void> result) {
      outcomes_.push_back(result ? "durable" : "failed");
      ends_seen_.push_back(log().durable_end(kPartition).value);
      --waiting_;
    });
  }

  // Until the outcome of every batch is known.
  void settle() {
    while (waiting_ > 0) harness_.step();
  }

  Harness harness_;
  std::vector<std::string> outcomes_;
  std::vector<uint64_t> ends_seen_;
  std::atomic<int> waiting_ = 0;
};

TYPED_TEST_SUITE_P(DecisionLogContract);

TYPED_TEST_P(DecisionLogContract, NewLogHoldsNothing) {
  EXPECT_EQ(this->log().durable_end(kPartition), Offset{0});
  EXPECT_THAT(history_of(this->log()).payloads, IsEmpty());
}

TYPED_TEST_P(DecisionLogContract, FirstClaimIsTheFirstRecord) {
  const Session session = this->claim();
  EXPECT_EQ(session.stamp, Stamp{1});
  EXPECT_EQ(session.next, Number{0});
  EXPECT_EQ(this->log().durable_end(kPartition), Offset{1});
  const auto record = must(must(this->log().read(kPartition, Offset{0}))->next());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->prefix.kind, RecordKind::kClaim);
  EXPECT_THAT(history_of(this->log()).payloads, IsEmpty());
}

TYPED_TEST_P(DecisionLogContract, WhatWasReportedDurableIsReadBackInOrder) {
  Session session = this->claim();
  this->append(make_batch(session, 1));
  this->append(make_batch(session, 3));
  this->settle();
  EXPECT_THAT(this->outcomes_, ElementsAre("durable", "durable"));
  const History history = history_of(this->log());
  EXPECT_EQ(history.payloads, payloads(4));
  EXPECT_THAT(history.offsets, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(history.void_records, 0u);
}

TYPED_TEST_P(DecisionLogContract, DurableEndIsOnePastTheLastRecord) {
  Session session = this->claim();
  this->append(make_batch(session, 5));
  this->settle();
  EXPECT_EQ(this->log().durable_end(kPartition), Offset{6});
}

TYPED_TEST_P(DecisionLogContract, DoneSeesItsOwnRecordsDurable) {
  Session session = this->claim();
  this->append(make_batch(session, 2));
  this->settle();
  ASSERT_THAT(this->ends_seen_, SizeIs(1));
  EXPECT_GE(this->ends_seen_[0], 3u);
}

TYPED_TEST_P(DecisionLogContract, CursorGoesOnFromTheEndAsTheLogGrows) {
  Session session = this->claim();
  LogReader reader(must(this->log().read(kPartition, Offset{0})), {});
  EXPECT_FALSE(must(reader.next()));
  for (uint64_t number = 0; number < 50; ++number) {
    this->append(make_batch(session, 1, 900));
    this->settle();
    const auto decision = must(reader.next());
    ASSERT_TRUE(decision);
    EXPECT_EQ(as_text(decision->payload), payload_of(number, 900));
    EXPECT_FALSE(must(reader.next()));
  }
}

TYPED_TEST_P(DecisionLogContract, EveryOffsetAndEveryNumberIsFound) {
  Session session = this->claim();
  for (uint32_t batch = 0; batch < 40; ++batch)
    this->append(make_batch(session, batch % 4 + 1, 700));
  this->settle();
  for (uint64_t number = 0; number < session.next.value; ++number) {
    const Offset offset = must(this->log().find(kPartition, Number{number}));
    EXPECT_EQ(offset.value, number + 1);
    const auto cursor = must(this->log().read(kPartition, offset));
    const auto record = must(cursor->next());
    ASSERT_TRUE(record);
    EXPECT_EQ(record->offset, offset);
    EXPECT_EQ(as_text(record->payload), payload_of(number, 700));
  }
}

TYPED_TEST_P(DecisionLogContract, NothingIsFoundBeyondTheEnd) {
  Session session = this->claim();
  this->append(make_batch(session, 2));
  this->settle();
  EXPECT_EQ(this->log().find(kPartition, Number{2}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(this->log().read(kPartition, Offset{4}).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(must(must(this->log().read(kPartition, Offset{3}))->next()));
}

TYPED_TEST_P(DecisionLogContract, UnknownPartitionIsRefused) {
  EXPECT_EQ(this->log().open_writer(PartitionId{9}, kWriter).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(this->log().read(PartitionId{9}, Offset{0}).error().kind, ErrorKind::kInvalid);
}

TYPED_TEST_P(DecisionLogContract, NextSessionGoesOnWhereTheLastDecisionEnded) {
  Session first = this->claim();
  this->append(make_batch(first, 3));
  this->settle();
  this->harness_.restart();
  Session second = this->claim();
  EXPECT_EQ(second.next, Number{3});
  EXPECT_EQ(second.stamp, Stamp{5});
  this->append(make_batch(second, 2));
  this->settle();
  EXPECT_EQ(history_of(this->log()).payloads, payloads(5));
  EXPECT_EQ(must(this->log().find(kPartition, Number{3})), Offset{5});
}

TYPED_TEST_P(DecisionLogContract, ReaderGoesOnFromAStoredPosition) {
  Session session = this->claim();
  this->append(make_batch(session, 3));
  this->settle();
  LogReader before(must(this->log().read(kPartition, Offset{0})), {});
  while (must(before.next())) {
  }
  this->harness_.restart();
  Session second = this->claim();
  this->append(make_batch(second, 1));
  this->settle();
  const ReaderPosition stored = before.position();
  const History rest = history_of(must(this->log().read(kPartition, stored.next_offset)), stored);
  EXPECT_FALSE(rest.error);
  EXPECT_THAT(rest.payloads, ElementsAre(payload_of(3)));
}

TYPED_TEST_P(DecisionLogContract, BatchUnderAnotherStampIsNotWritten) {
  Session session = this->claim();
  session.stamp = Stamp{session.stamp.value + 1};
  this->append(make_batch(session, 1));
  this->settle();
  EXPECT_THAT(this->outcomes_, ElementsAre("failed"));
  EXPECT_EQ(this->log().durable_end(kPartition), Offset{1});
}

TYPED_TEST_P(DecisionLogContract, AfterAGapNothingOfTheSessionIsWrittenAnyMore) {
  Session session = this->claim();
  Session ahead = session;
  ahead.next = Number{1};
  this->append(make_batch(ahead, 1));
  this->append(make_batch(session, 1));
  this->settle();
  EXPECT_THAT(this->outcomes_, ElementsAre("failed", "failed"));
  EXPECT_EQ(this->log().durable_end(kPartition), Offset{1});
}

TYPED_TEST_P(DecisionLogContract, BatchWithAnotherCountThanItSaysIsNotWritten) {
  Session session = this->claim();
  Batch batch = make_batch(session, 2);
  batch.count = 3;
  this->append(std::move(batch));
  this->settle();
  EXPECT_THAT(this->outcomes_, ElementsAre("failed"));
}

TYPED_TEST_P(DecisionLogContract, RefusesNothingWhileThereIsSpace) {
  this->claim();
  EXPECT_FALSE(this->log().refusal());
}

REGISTER_TYPED_TEST_SUITE_P(DecisionLogContract, NewLogHoldsNothing, FirstClaimIsTheFirstRecord,
                            WhatWasReportedDurableIsReadBackInOrder,
                            DurableEndIsOnePastTheLastRecord, DoneSeesItsOwnRecordsDurable,
                            CursorGoesOnFromTheEndAsTheLogGrows, EveryOffsetAndEveryNumberIsFound,
                            NothingIsFoundBeyondTheEnd, UnknownPartitionIsRefused,
                            NextSessionGoesOnWhereTheLastDecisionEnded,
                            ReaderGoesOnFromAStoredPosition, BatchUnderAnotherStampIsNotWritten,
                            AfterAGapNothingOfTheSessionIsWrittenAnyMore,
                            BatchWithAnotherCountThanItSaysIsNotWritten,
                            RefusesNothingWhileThereIsSpace);

}  // namespace tenure::test
