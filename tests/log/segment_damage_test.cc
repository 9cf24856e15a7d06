// TRUST.md rows 4, 5 and 6: bytes that are not what was written. Prints how many damages were
// tried.
#include <gmock/gmock.h>

#include <algorithm>

#include "engine/log/segment_reader.h"
#include "tests/log/segment_fixture.h"

namespace tenure::test {
namespace {

// How a log that holds `decisions` in truth presents itself.
enum class Verdict : uint8_t { kAtStart, kTornTail, kWhenRead, kDeepCheck, kUnnoticed };

Verdict verdict_on(SegmentFixture& log, uint64_t decisions) {
  auto recovered = recover(log.files, log.directory());
  if (!recovered) return Verdict::kAtStart;
  if (!*recovered) return Verdict::kUnnoticed;
  RecoveredLog& found = **recovered;
  if (found.torn_bytes() > 0) {
    EXPECT_EQ(found.active.end.next_number, decisions) << "something durable would be cut";
    return Verdict::kTornTail;
  }
  const SegmentReader reader(
      log.files, log.directory(), found.identity,
      std::make_shared<SegmentCatalog>(found.segments, found.active.index, found.active.begin,
                                       found.active.end));
  auto cursor = reader.read(Offset{0});
  if (!cursor) return Verdict::kWhenRead;
  const History history = history_of(*std::move(cursor));
  if (history.error) return Verdict::kWhenRead;
  EXPECT_LE(history.payloads.size(), decisions);
  if (!check_log_deeply(log.files, log.directory())) return Verdict::kDeepCheck;
  return Verdict::kUnnoticed;
}

class SegmentDamage : public testing::Test, protected SegmentFixture {
 protected:
  struct Counts {
    uint64_t at_start = 0, torn_tail = 0, when_read = 0, deep_check = 0, unnoticed = 0;
    void add(Verdict verdict) {
      switch (verdict) {
        case Verdict::kAtStart:
          ++at_start;
          return;
        case Verdict::kTornTail:
          ++torn_tail;
          return;
        case Verdict::kWhenRead:
          ++when_read;
          return;
        case Verdict::kDeepCheck:
          ++deep_check;
          return;
        case Verdict::kUnnoticed:
          ++unnoticed;
          return;
      }
    }
    void print(const char* what) const {
      fmt::print(
          "{}: {} noticed at start, {} when read, {} by the deep check, {} in the empty tail and "
          "zeroed, {} unnoticed\n",
          what, at_start, when_read, deep_check, torn_tail, unnoticed);
    }
  };
};

// A cleanly stopped log of 64 KiB in four files: two sealed, the active one, and one made ahead.
TEST_F(SegmentDamage, EveryFlippedBitIsNoticed) {
  start();
  while (segment_files() < 4) write(3, 1500);
  stop();
  const uint64_t decisions = acknowledged_;
  Counts counts;
  uint64_t bits = 0;
  for (const auto& [name, content] : snapshot_of(*this)) {
    if (name == kLockName) continue;  // only a line for people
    const std::string path = path_in(directory(), name);
    for (uint64_t bit = 0; bit < 8 * content.size(); ++bit, ++bits) {
      files.flip_bit(path, bit);
      const Verdict verdict = verdict_on(*this, decisions);
      counts.add(verdict);
      ASSERT_NE(verdict, Verdict::kUnnoticed) << name << " bit " << bit;
      files.flip_bit(path, bit);
    }
  }
  EXPECT_GE(bits, 8u * (64 << 10));
  EXPECT_EQ(verdict_on(*this, decisions), Verdict::kUnnoticed) << "all flipped back";
  counts.print(fmt::format("{} bits flipped", bits).c_str());
}

// A crash leaves any part of the last batch's write: its beginning, its end, or garbage.
TEST_F(SegmentDamage, LastBatchTornAtAnyByteGoesWholeOrNotAtAll) {
  start();
  write(3);
  write(2, 100);
  write(3, 700);
  kill();
  const RecoveredLog whole = *must(recover(files, directory()));
  const Snapshot snapshot = snapshot_of(*this);
  const std::string segment = segment_name(0);
  const uint64_t begin = whole.proven_position;
  const uint64_t end = whole.active.end_position;
  uint64_t tears = 0;
  for (uint64_t at = begin; at <= end; ++at) {
    for (const auto& [from, to, with] :
         {std::tuple{at, end, std::byte{0}}, std::tuple{begin, at, std::byte{0}},
          std::tuple{at, end, std::byte{0xA5}}}) {
      Snapshot torn = snapshot;
      std::fill(torn[segment].begin() + static_cast<ptrdiff_t>(from),
                torn[segment].begin() + static_cast<ptrdiff_t>(to), with);
      const bool intact = torn[segment] == snapshot.at(segment);
      auto log = with_files(torn);
      ASSERT_TRUE(log->try_start()) << "torn at byte " << at;
      const uint64_t recovered = intact ? 8 : 5;
      ASSERT_EQ(log->submitted_, recovered) << "torn at byte " << at;
      ASSERT_EQ(log->history().payloads.size(), recovered);
      log->write(1);
      ASSERT_EQ(log->acknowledged_, recovered + 1);
      ASSERT_TRUE(check_log_deeply(log->files, log->directory()));
      ++tears;
    }
  }
  fmt::print("last batch torn in {} ways at {} bytes\n", tears, end - begin + 1);
}

// The same where the torn batch is the first of its segment.
TEST_F(SegmentDamage, FirstBatchOfASegmentTornAtAnyByteGoesWholeOrNotAtAll) {
  start();
  while (must(recover(files, directory()))->active.sequence == 0) write(1, 600);
  kill();
  const RecoveredLog whole = *must(recover(files, directory()));
  ASSERT_EQ(whole.proven_position, sizeof(SegmentHeader));
  const Snapshot snapshot = snapshot_of(*this);
  for (uint64_t at = whole.proven_position; at < whole.active.end_position; ++at) {
    Snapshot torn = snapshot;
    auto& bytes = torn[segment_name(1)];
    std::fill(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.end(), std::byte{0});
    auto log = with_files(torn);
    ASSERT_TRUE(log->try_start()) << "torn at byte " << at;
    // Where all that was cut off were zeros already, the batch is whole.
    ASSERT_GE(log->submitted_ + 1, acknowledged_);
    log->write(1);
    ASSERT_TRUE(check_log_deeply(log->files, log->directory()));
  }
}

class SegmentFiles : public SegmentDamage, public testing::WithParamInterface<bool> {
 protected:
  // Damages a copy of the log in which every file plays its part: sealed, active, made ahead.
  void damage_each(const char* what, const std::function<void(Snapshot&, uint64_t)>& damage) {
    start();
    fill_segments(4);
    GetParam() ? stop() : kill();
    const Snapshot snapshot = snapshot_of(*this);
    Counts counts;
    for (uint64_t segment = 0; segment < segment_files(); ++segment) {
      Snapshot damaged = snapshot;
      damage(damaged, segment);
      if (damaged == snapshot) continue;
      auto log = with_files(damaged);
      const Verdict verdict = verdict_on(*log, acknowledged_);
      counts.add(verdict);
      EXPECT_NE(verdict, Verdict::kUnnoticed) << what << " " << segment;
      EXPECT_NE(verdict, Verdict::kTornTail) << what << " " << segment;
    }
    counts.print(what);
  }
  uint64_t made_ahead() { return segment_files() - 1; }
};

TEST_P(SegmentFiles, ZeroedOneIsNoticed) {
  damage_each("segment zeroed", [](Snapshot& files, uint64_t segment) {
    std::ranges::fill(files[segment_name(segment)], std::byte{0});
  });
}

TEST_P(SegmentFiles, ZeroedBodyIsNoticed) {
  damage_each("body of a sealed segment zeroed", [&](Snapshot& files, uint64_t segment) {
    if (segment + 2 >= segment_files()) return;
    auto& bytes = files[segment_name(segment)];
    std::fill(bytes.begin() + sizeof(SegmentHeader),
              bytes.begin() + static_cast<ptrdiff_t>(batches_limit(bytes.size())), std::byte{0});
  });
}

// Without the one made ahead nothing is missing.
TEST_P(SegmentFiles, DeletedOneIsNoticed) {
  damage_each("segment deleted", [&](Snapshot& files, uint64_t segment) {
    if (segment != made_ahead()) files.erase(segment_name(segment));
  });
}

TEST_P(SegmentFiles, ShortenedOneIsNoticed) {
  damage_each("segment shortened", [](Snapshot& files, uint64_t segment) {
    auto& bytes = files[segment_name(segment)];
    bytes.resize(bytes.size() - 4096);
  });
}

TEST_P(SegmentFiles, OneCopiedOverAnotherIsNoticed) {
  for (uint64_t from = 0; from < 5; ++from) {
    damage_each("segment copied over another", [&](Snapshot& files, uint64_t segment) {
      files[segment_name(segment)] = files[segment_name(from)];
    });
  }
}

TEST_P(SegmentFiles, OneCopiedBehindTheLastIsNoticed) {
  damage_each("segment copied behind the last", [&](Snapshot& files, uint64_t segment) {
    files[segment_name(segment_files())] = files[segment_name(segment)];
  });
}

TEST_P(SegmentFiles, SwappedOnesAreNoticed) {
  for (uint64_t with = 0; with < 5; ++with) {
    damage_each("segments swapped", [&](Snapshot& files, uint64_t segment) {
      std::swap(files[segment_name(segment)], files[segment_name(with)]);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Stop, SegmentFiles, testing::Bool(), [](const auto& stop) {
  return stop.param ? "AfterACleanStop" : "AfterAKill";
});

// Only the identity and the lock are left.
TEST_F(SegmentDamage, AllSegmentsDeletedAreNoticed) {
  start();
  write(1);
  kill();
  for (const auto& name : must(files.list(directory()))) {
    if (segment_sequence(name)) must(files.remove(path_in(directory(), name)));
  }
  EXPECT_EQ(try_start().error().kind, ErrorKind::kCorrupt);
}

// A segment of an older copy of the same log, which went another way since, if only by a few bytes.
TEST_F(SegmentDamage, SegmentOfAnotherHistoryIsNoticed) {
  start();
  fill_segments(2);
  stop();
  auto other = with_files(snapshot_of(*this));
  other->acked_ = 1;
  for (SegmentFixture* log : std::initializer_list<SegmentFixture*>{this, other.get()}) {
    log->start();
    log->fill_segments(6);
    log->stop();
  }
  files.set_contents(path(3), other->files.contents(other->path(3)));
  EXPECT_EQ(try_start().error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace tenure::test
