// When a partition that several processes share is claimed, and claimed again.
#include "tools/server/owned_partition.h"

#include <gtest/gtest.h>

#include <deque>

#include "engine/log/memory_log.h"
#include "tests/domain/domain_machine.h"
#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// It is assigned to this process, and stays so.
class AssignedPartition : public testing::Test {
 protected:
  AssignedPartition() {
    owned_ = std::move(
        *OwnedPartition::open_following(around_, std::make_unique<MemoryStateStore>(), {}, now_));
    owned_->assign();
  }

  // As time goes on for so long.
  void pass(milliseconds time) {
    for (const Time end = now_ + time; now_ < end; now_ += milliseconds(10)) {
      EXPECT_TRUE(owned_->step(now_).has_value());
      while (!jobs_.empty()) {
        const std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        job();
      }
      log_.pump();
    }
  }
  bool writes() const { return owned_->partition().is_writer(); }
  // Another process claims the partition: what this one then decides is void.
  void lose_the_claim() {
    ASSERT_TRUE(log_.open_writer({}, {.process = "other", .address = "", .build = "test"}));
    owned_->partition().submit(command(create("1", "acme")), [](const Answer&) {});
    while (writes()) pass(milliseconds(10));
  }

  MemoryLog log_;
  std::deque<std::function<void()>> jobs_;
  Time now_ = from_micros(1'800'000'000'000'000);
  size_t doubts_ = 0;
  const std::function<void(std::function<void()>)> later_ = [this](std::function<void()> job) {
    jobs_.push_back(std::move(job));
  };
  const OwnedPartition::Surroundings around_{
      .log = log_,
      .rulebooks = test_rulebooks(),
      .catalog = test_catalog(),
      .host = {.post = later_, .run_aside = later_},
      .writer = {.process = "this", .address = "", .build = "test"},
      .polls = [] { return uint64_t{0}; },
      .assigned_since = [](PartitionId, uint64_t) { return true; },
      .on_writer = [](PartitionId, uint64_t, milliseconds) {},
      .on_doubt = [this](PartitionId, const Error&) { ++doubts_; }};
  std::unique_ptr<OwnedPartition> owned_;
};

TEST_F(AssignedPartition, IsClaimedAgainAfterADoubt) {
  pass(milliseconds(50));
  ASSERT_TRUE(writes());
  lose_the_claim();
  pass(seconds(1));
  EXPECT_TRUE(writes());
  EXPECT_EQ(doubts_, 1u);
}

TEST_F(AssignedPartition, IsClaimedAgainWithinTheLongestBackOffThoughTheClockWentBack) {
  pass(milliseconds(50));
  ASSERT_TRUE(writes());
  lose_the_claim();
  now_ -= hours(1);
  pass(seconds(6));
  EXPECT_TRUE(writes());
}

}  // namespace
}  // namespace tenure::test
