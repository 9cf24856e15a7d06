// TRUST.md rows 2, 7 and 8: what becomes of the log when its disk refuses. Prints how often it did.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/log/segment_fixture.h"

namespace tenure::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kMebibyte = 1u << 20;

// A life of a log: made, claimed, written over two segments and a half, read, stopped, and once
// more.
void live(SegmentFixture& log) {
  for (int round = 0; round < 2; ++round) {
    if (!log.try_start()) return;
    for (int batch = 0; batch < 24; ++batch) {
      log.append(2, 300);
      pump_all(log.log());
    }
    if (auto cursor = log.log().read(kPartition, Offset{0})) (void)history_of(*std::move(cursor));
    if (!log.log().close()) return;
  }
}

// After whatever happened: what was acknowledged is there, nothing that was not handed over is, and
// the log can be written.
void expect_whole(SegmentFixture& log, const std::string& what) {
  const uint64_t handed_over = log.submitted_;
  ASSERT_TRUE(log.try_start()) << what;
  const uint64_t recovered = log.submitted_;
  EXPECT_GE(recovered, log.acknowledged_) << what;
  EXPECT_LE(recovered, handed_over) << what;
  EXPECT_TRUE(log.history().payloads == payloads(recovered, 300)) << what;
  log.write(2, 300);
  EXPECT_EQ(log.acknowledged_, recovered + 2) << what;
  EXPECT_TRUE(check_log_deeply(log.files, log.directory())) << what;
}

struct Case {
  ErrorKind error;
  bool lasting;     // every later call fails too, or only the one
  bool power_loss;  // what follows: a power loss, or the end of the process alone
};

class EveryCallFails : public testing::TestWithParam<Case> {};

TEST_P(EveryCallFails, AcknowledgedDecisionsStayAndTheLogStartsAgain) {
  const Case& param = GetParam();
  uint64_t calls = 0;
  {
    SegmentFixture log;
    FaultyFileSystem faulty(log.files);
    log.options.files = &faulty;
    live(log);
    calls = faulty.calls();
    EXPECT_EQ(log.acknowledged_, 96u) << "undisturbed";
  }
  uint64_t acknowledged = 0;
  for (uint64_t at = 1; at <= calls; ++at) {
    SegmentFixture log(at);
    FaultyFileSystem faulty(log.files);
    faulty.set_fault(Fault{at, param.error, std::nullopt, param.lasting});
    log.options.files = &faulty;
    live(log);
    EXPECT_TRUE(faulty.fault_hit()) << "call " << at;
    acknowledged += log.acknowledged_;
    param.power_loss ? log.lose_power() : log.kill();
    log.options.files = &log.files;
    expect_whole(log, fmt::format("call {} of {} failed", at, calls));
  }
  fmt::print("{} calls, each made to fail in a run of its own; {} decisions acknowledged\n", calls,
             acknowledged);
}

INSTANTIATE_TEST_SUITE_P(Faults, EveryCallFails,
                         testing::Values(Case{ErrorKind::kIo, false, true},
                                         Case{ErrorKind::kIo, true, true},
                                         Case{ErrorKind::kIo, true, false},
                                         Case{ErrorKind::kUnavailable, false, true},
                                         Case{ErrorKind::kUnavailable, true, false}));

class FailingDisk : public testing::Test, protected SegmentFixture {
 protected:
  FailingDisk() { options.files = &faulty; }
  FaultyFileSystem faulty{files};
};

TEST_F(FailingDisk, FailedWriteIsNeverRetriedAndNothingIsAcknowledgedAfterIt) {
  for (const Call call : {Call::kWrite, Call::kSync}) {
    SegmentFixture log;
    FaultyFileSystem disk(log.files);
    log.options.files = &disk;
    log.start();
    log.write(3);
    disk.set_fault(Fault{1, ErrorKind::kIo, call});
    const uint64_t writes = disk.calls(Call::kWrite);
    const uint64_t syncs = disk.calls(Call::kSync);
    log.append(2);
    log.append(2);
    pump_all(log.log());
    log.append(1);
    pump_all(log.log());
    EXPECT_TRUE(disk.fault_hit());
    EXPECT_EQ(disk.calls(Call::kWrite), writes + 1) << "the failed batch's only";
    EXPECT_LE(disk.calls(Call::kSync), syncs + 1);
    EXPECT_EQ(log.answered_, 4u) << "each batch was answered once";
    EXPECT_EQ(log.acknowledged_, 3u);
    ASSERT_TRUE(log.last_failure_);
    EXPECT_EQ(log.last_failure_->kind, ErrorKind::kIo);
    EXPECT_THAT(log.last_failure_->message, HasSubstr("restart tenure"));
    EXPECT_EQ(log.history().payloads, payloads(3)) << "reading goes on";
    EXPECT_FALSE(log.log().close());
    EXPECT_THAT(must(log.files.list(log.directory())), Not(Contains("CLEAN")));
  }
}

TEST_F(FailingDisk, FailureWhilePreparingASegmentEndsTheSession) {
  options.segment_bytes = kMebibyte;
  start();
  faulty.set_fault(Fault{2, ErrorKind::kIo, Call::kSync});
  write(1);
  write(1);
  write(1);
  EXPECT_EQ(answered_, 3u);
  EXPECT_LT(acknowledged_, 3u);
}

TEST_F(FailingDisk, FullDiskInsideASegmentIsABrokenOne) {
  start();
  write(1);
  faulty.set_fault(Fault{1, ErrorKind::kUnavailable, Call::kWrite});
  write(1);
  ASSERT_TRUE(last_failure_);
  EXPECT_EQ(last_failure_->kind, ErrorKind::kIo);
}

TEST_F(FailingDisk, ClaimThatFailsIsNotTriedAgain) {
  auto log = must(SegmentLog::open(options));
  faulty.set_fault(Fault{1, ErrorKind::kIo, Call::kSync});
  EXPECT_EQ(log->open_writer(kPartition, kWriter).error().kind, ErrorKind::kIo);
  EXPECT_EQ(log->open_writer(kPartition, kWriter).error().kind, ErrorKind::kIo);
  EXPECT_EQ(log->durable_end(kPartition), Offset{0});
}

class FullDisk : public testing::Test, protected SegmentFixture {};

TEST_F(FullDisk, NewWorkIsRefusedBeforeAnythingIsLost) {
  start();
  write(2, 300);
  EXPECT_FALSE(log().refusal());
  files.set_capacity(files.contents(path(0)).size() + 20000);
  log().pump();
  ASSERT_TRUE(log().refusal());
  EXPECT_THAT(*log().refusal(), HasSubstr("disk of data/log is nearly full"));
  EXPECT_EQ(history().payloads, payloads(2, 300)) << "reads go on";
}

TEST_F(FullDisk, WhatNoLongerFitsWaitsAndIsWrittenWhenThereIsSpace) {
  start();
  files.set_capacity(0);
  for (int batch = 0; batch < 60; ++batch) append(2, 300);
  pump_all(log());
  EXPECT_LT(answered_, 60u);
  EXPECT_TRUE(log().refusal());
  EXPECT_FALSE(last_failure_);
  files.set_capacity(100 * kMebibyte);
  pump_all(log());
  EXPECT_EQ(answered_, 60u);
  EXPECT_EQ(acknowledged_, 120u);
  EXPECT_FALSE(log().refusal());
  EXPECT_TRUE(history().payloads == payloads(120, 300));
}

TEST_F(FullDisk, ClosingDoesNotWaitForSpace) {
  start();
  files.set_capacity(0);
  for (int batch = 0; batch < 60; ++batch) append(2, 300);
  EXPECT_EQ(log().close().error().kind, ErrorKind::kUnavailable) << "no room for the mark";
  EXPECT_EQ(answered_, 60u);
  ASSERT_TRUE(last_failure_);
  EXPECT_EQ(last_failure_->kind, ErrorKind::kUnavailable);
  const uint64_t acknowledged = acknowledged_;
  files.set_capacity(100 * kMebibyte);
  start();
  EXPECT_EQ(submitted_, acknowledged);
}

TEST_F(FullDisk, NewLogNeedsSpaceAndSaysSo) {
  files.set_capacity(1000);
  const auto result = try_start();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("make space"));
  files.set_capacity(kMebibyte);
  EXPECT_TRUE(try_start());
}

// The disk fills up at every possible size; each time the log refuses, waits, and goes on.
TEST_F(FullDisk, FullAtAnySizeItResumesWithoutHarm) {
  int refused = 0;
  int runs = 0;
  for (uint64_t capacity = 0; capacity <= 8 * 16384; capacity += 509, ++runs) {
    SegmentFixture log(capacity);
    log.start();
    log.files.set_capacity(capacity);
    for (int batch = 0; batch < 60; ++batch) {
      log.append(2, 300);
      pump_all(log.log());
    }
    refused += log.log().refusal() ? 1 : 0;
    EXPECT_TRUE(log.history().payloads == payloads(log.acknowledged_, 300)) << capacity;
    log.files.set_capacity(100 * kMebibyte);
    pump_all(log.log());
    EXPECT_EQ(log.acknowledged_, 120u) << capacity;
    EXPECT_FALSE(log.log().refusal());
    log.kill();
    expect_whole(log, fmt::format("capacity {}", capacity));
  }
  fmt::print("disk full at {} sizes: refused at {}, resumed at all\n", runs, refused);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace tenure::test
