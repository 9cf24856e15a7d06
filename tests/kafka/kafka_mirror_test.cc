// The mirror alone, fed by the test, on a disk that loses what was not synced.
#include "engine/log/kafka_mirror.h"

#include <gmock/gmock.h>

#include <array>
#include <thread>

#include "engine/log/log_directory.h"
#include "tests/log/log_fixture.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A partition as Kafka holds it.
class KafkaMirrorTest : public testing::Test {
 protected:
  static MirrorOptions options(SimulatedFileSystem& files) {
    MirrorOptions options{.store = {},
                          .log = {.log_id = {}, .partition = kPartition, .cluster_id = "cluster"},
                          .patience = std::chrono::milliseconds(50)};
    options.store.directory = "data/mirror";
    options.store.segment_bytes = 16u << 10;
    options.store.reserve_bytes = 0;
    options.store.files = &files;
    options.store.use = SegmentUse::kCopy;
    return options;
  }
  std::unique_ptr<KafkaMirror> open() { return must(KafkaMirror::open(options(files_))); }

  void hold(std::string value) { partition_.push_back(std::move(value)); }
  void hold_record(RecordPrefix prefix, std::string_view payload) {
    AlignedBytes bytes;
    append_record(bytes, prefix, as_bytes(payload));
    hold(as_text(bytes.view().first(kPrefixSize + payload.size())));
  }
  void hold_claim(ClaimingLog log = {"id", kPartition, 1, "cluster"}) {
    const AlignedBytes claim = claim_record(log, kWriter, {{}, Number{decisions_}, {}});
    hold(as_text(claim.view().first(parse_record(claim.view()).size)));
    stamp_ = Stamp{partition_.size()};
  }
  void hold_decisions(uint64_t count, size_t size = 300) {
    for (uint64_t i = 0; i < count; ++i) {
      hold_record({.stamp = stamp_, .number = {decisions_}}, payload_of(decisions_, size));
      ++decisions_;
    }
  }

  Result<void> take(KafkaMirror& mirror, size_t end = SIZE_MAX) {
    for (size_t i = mirror.next_offset().value; i < std::min(end, partition_.size()); ++i) {
      TRY(mirror.take(Offset{i}, as_bytes(partition_[i])));
    }
    return mirror.flush();
  }
  History history(const KafkaMirror& mirror) { return history_of(must(mirror.read({}))); }
  ErrorKind kind_of_stop(KafkaMirror& mirror) {
    const auto taken = take(mirror);
    EXPECT_FALSE(taken);
    return taken.error().kind;
  }

  SimulatedFileSystem files_;
  std::vector<std::string> partition_;
  Stamp stamp_;
  uint64_t decisions_ = 0;
};

TEST_F(KafkaMirrorTest, RecordsLieAtTheirOwnOffsets) {
  hold_claim();
  hold_decisions(3, 20);
  hold_claim();
  hold_decisions(2, 20);
  auto mirror = open();
  must(take(*mirror));
  const History found = history(*mirror);
  EXPECT_EQ(found.payloads, payloads(5));
  EXPECT_THAT(found.offsets, testing::ElementsAre(1, 2, 3, 5, 6));
  EXPECT_EQ(must(mirror->find(Number{3})), Offset{5});
}

TEST_F(KafkaMirrorTest, ForeignAndVoidRecordsKeepTheirPlaceAlsoAcrossARestart) {
  hold("not ours");
  hold("");
  hold_claim();
  hold_decisions(2, 20);
  hold_record({.stamp = stamp_, .number = {0}}, "a double");
  hold_decisions(1, 20);
  auto mirror = open();
  must(take(*mirror));
  for (int start = 0; start < 2; ++start) {
    const History found = history(*mirror);
    EXPECT_EQ(found.payloads, payloads(3));
    EXPECT_EQ(found.void_records, 3u);
    EXPECT_EQ(mirror->state().end.void_records(), 3u);
    EXPECT_EQ(as_text(must(must(mirror->read({}))->next())->payload), "not ours");
    mirror.reset();
    mirror = open();
  }
}

TEST_F(KafkaMirrorTest, OwnerIsTheLastClaimantAlsoAcrossARestart) {
  hold_claim();
  hold_decisions(1);
  auto mirror = open();
  EXPECT_FALSE(mirror->state().owner);
  must(take(*mirror));
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(mirror->state().owner);
    EXPECT_EQ(mirror->state().owner->address, kWriter.address);
    EXPECT_EQ(mirror->state().owner->stamp, Stamp{1});
    EXPECT_EQ(mirror->state().log_id, "id");
    mirror.reset();
    mirror = open();
  }
}

TEST_F(KafkaMirrorTest, AfterPowerLossTheTailIsCutAndFetchedAgain) {
  hold_claim();
  hold_decisions(200);
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedFileSystem files(seed);
    auto mirror = must(KafkaMirror::open(options(files)));
    for (size_t end = 7; end < 7 + seed * 2; end += 7) must(take(*mirror, end));
    mirror.reset();
    files.crash();
    mirror = must(KafkaMirror::open(options(files)));
    EXPECT_THAT(mirror->rebuilt(), IsEmpty()) << "seed " << seed;
    must(take(*mirror));
    EXPECT_EQ(history(*mirror).payloads, payloads(200, 300)) << "seed " << seed;
  }
}

TEST_F(KafkaMirrorTest, ADamagedMirrorIsMadeAnew) {
  hold_claim();
  hold_decisions(200);
  auto mirror = open();
  must(take(*mirror));
  mirror.reset();
  const std::string path = path_in("data/mirror", segment_name(0));
  must(must(files_.open(path, OpenMode::kReadWrite))->write_at(0, {as_bytes("damage")}));
  mirror = open();
  EXPECT_THAT(mirror->rebuilt(), HasSubstr("is damaged at byte 0"));
  must(take(*mirror));
  EXPECT_EQ(history(*mirror).payloads, payloads(200, 300));
}

TEST_F(KafkaMirrorTest, StopsAtARecordThatItsWriterKnewMoreThanIsThere) {
  hold_claim();
  hold_decisions(2);
  hold_record({.stamp = stamp_, .number = {2}, .acked = 9}, "later");
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kCorrupt);
}

TEST_F(KafkaMirrorTest, StopsAtAStampAboveAnyClaim) {
  hold_claim();
  hold_record({.stamp = {50}, .number = {0}}, "of a claim that was lost");
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kCorrupt);
}

TEST_F(KafkaMirrorTest, StopsAtARecordOfAnotherClaimThatStoodAtTheOffset) {
  hold_claim();
  hold_decisions(1);
  hold_record({.stamp = stamp_, .number = {1}, .tag = 5}, "of a claim that was lost");
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kCorrupt);
}

TEST_F(KafkaMirrorTest, OpenedAgainItStillTellsTheClaimsOfBefore) {
  hold_claim();
  hold_decisions(2);
  hold_claim();
  hold_decisions(1);
  must(take(*open()));
  hold_record({.stamp = {1}, .number = {3}}, "late");
  hold_decisions(1);
  auto mirror = open();
  must(take(*mirror));
  EXPECT_EQ(history(*mirror).payloads, payloads(4, 300));
  mirror.reset();
  hold_record({.stamp = {1}, .number = {4}, .tag = 5}, "of another that stood there");
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kCorrupt);
  partition_.pop_back();
  hold_record({.stamp = {2}, .number = {4}}, "of one where a decision is");
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kCorrupt);
}

TEST_F(KafkaMirrorTest, StopsAtAGapInTheOffsets) {
  hold_claim();
  auto mirror = open();
  must(take(*mirror));
  hold_decisions(1);
  EXPECT_EQ(mirror->take(Offset{2}, as_bytes(partition_[1])).error().kind, ErrorKind::kCorrupt);
}

TEST_F(KafkaMirrorTest, StopsAtARecordOfTheFuture) {
  hold_claim();
  hold_record({.min_reader = kReaderVersion + 1, .stamp = stamp_, .number = {0}}, "newer");
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kUnsupported);
}

TEST_F(KafkaMirrorTest, StopsAtAFlippedBit) {
  hold_claim();
  hold_decisions(1);
  partition_.back().back() = static_cast<char>(partition_.back().back() ^ 1);
  EXPECT_EQ(kind_of_stop(*open()), ErrorKind::kCorrupt);
}

TEST_F(KafkaMirrorTest, StopsAtTheClaimOfAnotherClusterPartitionCountOrLog) {
  const ClaimingLog others[] = {{"id", kPartition, 1, "another cluster"},
                                {"id", kPartition, 2, "cluster"},
                                {"id", PartitionId{7}, 1, "cluster"},
                                {"another id", kPartition, 1, "cluster"}};
  for (const ClaimingLog& other : others) {
    SimulatedFileSystem files;
    auto mirror = must(KafkaMirror::open(options(files)));
    partition_.clear();
    decisions_ = 0;
    hold_claim();
    hold_decisions(1);
    hold_claim(other);
    EXPECT_EQ(kind_of_stop(*mirror), ErrorKind::kInvalid);
  }
}

TEST_F(KafkaMirrorTest, TwoFirstClaimsMayNameDifferentIdsAndTheFirstOneCounts) {
  hold_claim();
  hold_claim({"another id", kPartition, 1, "cluster"});
  auto mirror = open();
  must(take(*mirror));
  EXPECT_EQ(mirror->state().log_id, "id");
}

TEST_F(KafkaMirrorTest, ReadersGetWhatCameBeforeTheStopAndThenItsReason) {
  hold_claim();
  hold_decisions(2, 20);
  auto mirror = open();
  must(take(*mirror));
  mirror->stop({ErrorKind::kCorrupt, "something was lost"});
  const History found = history(*mirror);
  EXPECT_EQ(found.payloads, payloads(2));
  ASSERT_TRUE(found.error);
  EXPECT_EQ(found.error->message, "something was lost");
}

TEST_F(KafkaMirrorTest, ReaderOfAKnownRecordThatDoesNotComeIsToldToTryAgain) {
  hold_claim();
  auto mirror = open();
  must(take(*mirror));
  mirror->know(Offset{5});
  const History found = history(*mirror);
  ASSERT_TRUE(found.error);
  EXPECT_EQ(found.error->kind, ErrorKind::kUnavailable);
}

TEST_F(KafkaMirrorTest, ReadersOfOtherThreadsFollowTheWriter) {
  hold_claim();
  hold_decisions(2000);
  const TemporaryDirectory directory;
  MirrorOptions real = options(files_);
  real.store.directory = directory.path() + "/mirror";
  real.store.files = &posix_file_system();
  real.patience = std::chrono::seconds(30);
  const auto mirror = must(KafkaMirror::open(real));
  mirror->know(Offset{partition_.size()});
  std::vector<std::jthread> readers;
  std::array<History, 2> found;
  for (History& each : found) readers.emplace_back([&] { each = history(*mirror); });
  for (size_t end = 7; mirror->next_offset().value < partition_.size(); end += 7) {
    must(take(*mirror, end));
  }
  readers.clear();
  for (const History& each : found) EXPECT_EQ(each.payloads, payloads(2000, 300));
}

TEST_F(KafkaMirrorTest, SecondWriterOfTheSameDirectoryIsRefused) {
  const auto mirror = open();
  EXPECT_EQ(KafkaMirror::open(options(files_)).error().kind, ErrorKind::kConflict);
}

}  // namespace
}  // namespace tenure::test
