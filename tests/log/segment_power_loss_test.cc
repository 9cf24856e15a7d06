// TRUST.md row 3: many lives of one log on a disk that loses power at seeded moments, with unsynced
// writes dropped, kept or torn. TENURE_SEED=n repeats one life, TENURE_SEEDS=n runs so many:
// every failure says which.
#include <gmock/gmock.h>

#include <cstdlib>
#include <random>

#include "tests/log/segment_fixture.h"

namespace tenure::test {
namespace {

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

struct Totals {
  uint64_t crashes = 0, kills = 0, stops = 0, failed_syncs = 0, acknowledged = 0, recovered = 0,
           cut = 0;
};

// One log, started again and again; the disk fails in the midst of it.
class Life {
 public:
  explicit Life(uint64_t seed) : random_(seed), log_(seed), faulty_(log_.files) {
    log_.options.files = &faulty_;
  }

  void run(Totals& totals) {
    for (int round = 0; round < 6 && !testing::Test::HasFatalFailure(); ++round) {
      // After so many calls the machine stops to answer; then it has lost its power.
      faulty_.set_fault(Fault{1 + random_() % 150, ErrorKind::kIo, std::nullopt, true});
      if (chance(20)) log_.files.fail_next_sync(), ++totals.failed_syncs;
      const uint64_t handed_over = log_.submitted_;
      if (log_.try_start()) work();
      end(totals);
      faulty_.set_fault(std::nullopt);
      check(std::max(handed_over, log_.submitted_), totals);
    }
    totals.acknowledged += log_.acknowledged_;
  }

 private:
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  void work() {
    const uint64_t batches = random_() % 40;
    for (uint64_t batch = 0; batch < batches; ++batch) {
      log_.append(1 + random_() % 5, 300);
      if (chance(70)) log_.log().pump();
    }
    if (chance(20)) pump_all(log_.log());
  }

  void end(Totals& totals) {
    if (chance(70)) {
      log_.lose_power();
      ++totals.crashes;
    } else {
      log_.kill();
      ++totals.kills;
    }
  }

  void check(uint64_t handed_over, Totals& totals) {
    const auto started = log_.try_start();
    ASSERT_TRUE(started) << started.error().message;
    const uint64_t recovered = log_.submitted_;
    ASSERT_GE(recovered, log_.acknowledged_) << "acknowledged decisions were lost";
    ASSERT_LE(recovered, handed_over) << "decisions that nobody handed over";
    ASSERT_TRUE(log_.history().payloads == payloads(recovered, 300));
    totals.recovered += recovered;
    totals.cut += log_.log().recovery().cut_bytes > 0 ? 1 : 0;
    if (chance(20)) {
      log_.stop();
      ++totals.stops;
    } else if (chance(50)) {
      log_.lose_power();
      ++totals.crashes;
    } else {
      log_.kill();
      ++totals.kills;
    }
    const auto deep = check_log_deeply(log_.files, log_.directory());
    ASSERT_TRUE(deep) << deep.error().message;
    ASSERT_EQ(deep->decisions, recovered);
  }

  std::mt19937_64 random_;
  SegmentFixture log_;
  FaultyFileSystem faulty_;
};

TEST(SegmentPowerLoss, AcknowledgedDecisionsOutliveEveryLoss) {
  const uint64_t only = setting("TENURE_SEED", 0);
  const uint64_t first = only ? only : 1;
  const uint64_t last = only ? only : setting("TENURE_SEEDS", 500);
  Totals totals;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE(fmt::format("repeat with TENURE_SEED={}", seed));
    Life(seed).run(totals);
    if (HasFatalFailure()) break;
  }
  fmt::print(
      "{} seeds: {} power losses, {} kills, {} clean stops, {} failed syncs; {} decisions "
      "acknowledged, none lost; {} torn tails cut\n",
      last - first + 1, totals.crashes, totals.kills, totals.stops, totals.failed_syncs,
      totals.acknowledged, totals.cut);
}

}  // namespace
}  // namespace tenure::test
