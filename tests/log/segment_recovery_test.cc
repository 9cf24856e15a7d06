// What starting finds and repairs. TRUST.md rows 4 and 6 at large are in segment_damage_test.cc.
#include "engine/log/segment_recovery.h"

#include <gmock/gmock.h>

#include "tests/log/segment_fixture.h"

namespace tenure::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SegmentRecovery : public testing::Test, protected SegmentFixture {
 protected:
  // Where the batches of the active segment end.
  uint64_t end_position() { return must(recover(files, directory()))->active.end_position; }
  uint64_t active() { return must(recover(files, directory()))->active.sequence; }
  void change(uint64_t segment, uint64_t position, size_t size, std::byte with) {
    auto bytes = files.contents(path(segment));
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(position), size, with);
    files.set_contents(path(segment), std::move(bytes));
  }
  Error start_error() {
    const auto result = try_start();
    if (result) return {ErrorKind::kInvalid, "it started"};
    return result.error();
  }
};

TEST_F(SegmentRecovery, NewDirectoryBecomesALog) {
  start();
  EXPECT_TRUE(log().recovery().created);
  stop();
  start();
  EXPECT_FALSE(log().recovery().created);
}

TEST_F(SegmentRecovery, CleanlyStoppedLogComesBackWhole) {
  start();
  write(3);
  write(2);
  stop();
  start();
  EXPECT_EQ(history().payloads, payloads(5));
  EXPECT_EQ(log().recovery().cut_bytes, 0u);
}

TEST_F(SegmentRecovery, KilledLogComesBackWhole) {
  start();
  write(3);
  kill();
  start();
  EXPECT_EQ(history().payloads, payloads(3));
}

TEST_F(SegmentRecovery, DurableBatchesOutliveThePower) {
  start();
  write(3);
  write(4);
  lose_power();
  start();
  EXPECT_EQ(history().payloads, payloads(7));
}

TEST_F(SegmentRecovery, LogGoesOnOverManySegmentsAndStarts) {
  uint64_t written = 0;
  for (int round = 0; round < 8; ++round) {
    start();
    for (int batch = 0; batch < 15; ++batch, written += 3) write(3, 400);
    round % 2 == 0 ? stop() : kill();
  }
  start();
  EXPECT_EQ(history().payloads, payloads(written, 400));
  EXPECT_GT(log().recovery().segments, 8u);
}

TEST_F(SegmentRecovery, TornLastBatchIsCutAndTheRestZeroed) {
  start();
  write(3);
  write(2);
  kill();
  const uint64_t end = end_position();
  change(0, end - 8, 8, std::byte{0xAB});
  start();
  EXPECT_GT(log().recovery().cut_bytes, 0u);
  EXPECT_THAT(log().recovery().cut_place, HasSubstr("segment-0000000000.log at byte "));
  EXPECT_EQ(history().payloads, payloads(3));
  kill();
  const auto bytes = files.contents(path(0));
  EXPECT_TRUE(all_zero(Bytes(bytes).subspan(end_position())));
}

TEST_F(SegmentRecovery, LogGoesOnWhereATornBatchWasCut) {
  start();
  write(3);
  write(2);
  kill();
  change(0, end_position() - 8, 8, std::byte{0xAB});
  start();
  write(1);
  stop();
  start();
  EXPECT_EQ(history().payloads, payloads(4));
  EXPECT_EQ(log().recovery().cut_bytes, 0u);
}

TEST_F(SegmentRecovery, BytesFarBehindTheEndAreATornTailToo) {
  start();
  write(3);
  kill();
  change(0, 12000, 100, std::byte{0xAB});
  start();
  EXPECT_GT(log().recovery().cut_bytes, 0u);
  EXPECT_EQ(history().payloads, payloads(3));
}

TEST_F(SegmentRecovery, BadBatchWithAValidOneBehindItIsDamage) {
  start();
  write(3);
  kill();
  const uint64_t position = end_position();
  start();
  write(2);
  write(1);
  kill();
  change(0, position + 60, 1, std::byte{0xAB});
  const auto before = files.contents(path(0));
  const Error error = start_error();
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("data/log/segment-0000000000.log"),
                    HasSubstr("byte " + std::to_string(position)), HasSubstr("backup")));
  EXPECT_EQ(files.contents(path(0)), before) << "nothing may be cut";
}

TEST_F(SegmentRecovery, ZeroedBatchWithAValidOneBehindItIsDamage) {
  start();
  write(3);
  kill();
  const uint64_t position = end_position();
  start();
  write(2);
  kill();
  change(0, position, 100, std::byte{0});
  EXPECT_EQ(start_error().kind, ErrorKind::kCorrupt);
}

TEST_F(SegmentRecovery, EndBeforeTheCleanStopIsDamage) {
  start();
  write(3);
  write(2);
  stop();
  change(0, end_position() - 8, 8, std::byte{0xAB});
  const Error error = start_error();
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("stopped cleanly"));
}

TEST_F(SegmentRecovery, CleanStopOfLongAgoIsStillAWitness) {
  start();
  write(3);
  stop();
  start();
  write(2);
  kill();
  change(0, end_position() - 8, 8, std::byte{0xAB});
  start();
  EXPECT_EQ(history().payloads, payloads(3));
}

TEST_F(SegmentRecovery, DamagedCleanStopMarkIsReported) {
  start();
  stop();
  files.flip_bit(path_in(directory(), kCleanName), 77);
  EXPECT_THAT(start_error().message, HasSubstr("data/log/CLEAN is damaged"));
}

TEST_F(SegmentRecovery, UnfinishedFilesAreDeleted) {
  start();
  stop();
  files.set_contents(path(5) + ".tmp", std::vector<std::byte>(100));
  start();
  EXPECT_THAT(must(files.list(directory())), Not(testing::Contains(HasSubstr("0000000005"))));
}

// After a failed sync Linux takes the bytes for clean: a later sync does not write them.
TEST_F(SegmentRecovery, BatchThatOnlyThePageCacheHasIsWrittenAgain) {
  start();
  write(3);
  files.fail_next_sync();
  write(2);
  EXPECT_EQ(acknowledged_, 3u);
  ASSERT_TRUE(last_failure_);
  kill();
  start();
  EXPECT_EQ(history().payloads, payloads(5)) << "read from the page cache";
  write(1);
  EXPECT_EQ(acknowledged_, 6u);
  lose_power();
  start();
  EXPECT_EQ(history().payloads, payloads(6));
}

TEST_F(SegmentRecovery, FooterThatOnlyThePageCacheHasIsWrittenAgain) {
  start();
  while (end_position() + 1000 < batches_limit(options.segment_bytes)) write(1, 400);
  files.fail_next_sync();  // of the footer: the batch does not fit any more
  write(1, 900);
  ASSERT_TRUE(last_failure_);
  kill();
  start();
  ASSERT_EQ(active(), 1u);
  write(1, 900);
  const uint64_t decisions = acknowledged_;
  lose_power();
  start();
  EXPECT_EQ(history().payloads.size(), decisions);
}

TEST_F(SegmentRecovery, TornFooterIsCutAndWrittenAgain) {
  start();
  while (end_position() + 1000 < batches_limit(options.segment_bytes)) write(1, 400);
  files.fail_next_sync();
  write(1, 900);
  kill();
  change(0, options.segment_bytes - 50, 8, std::byte{0xAB});
  start();
  EXPECT_GT(log().recovery().cut_bytes, 0u);
  EXPECT_EQ(active(), 0u);
  EXPECT_EQ(history().payloads, payloads(acknowledged_, 400));
  write(1, 900);
  EXPECT_EQ(active(), 1u);
  stop();
  EXPECT_EQ(must(check_log_deeply(files, directory())).torn_bytes, 0u);
}

// The name of the segment made ahead, too: its directory's sync failed.
TEST_F(SegmentRecovery, NameThatOnlyThePageCacheHasIsSynced) {
  FaultyFileSystem faulty(files);
  options.files = &faulty;
  options.segment_bytes = 1u << 20;
  start();
  faulty.set_fault(Fault{1, ErrorKind::kIo, Call::kSyncDirectory});
  while (!last_failure_) write(1, 60000);
  kill();
  start();
  ASSERT_EQ(segment_files(), 2u);
  while (active() == 0) write(1, 60000);
  ASSERT_EQ(segment_files(), 2u) << "nothing else synced the directory";
  const uint64_t decisions = acknowledged_;
  lose_power();
  start();
  EXPECT_EQ(history().payloads.size(), decisions);
}

TEST_F(SegmentRecovery, CleanStopMarkOutlivesThePower) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SegmentFixture log(seed);
    log.start();
    log.stop();
    log.lose_power();
    EXPECT_TRUE(must(describe_log(log.files, log.directory())).stopped_cleanly) << seed;
  }
}

TEST_F(SegmentRecovery, SealedSegmentsAreVerifiedWhenRead) {
  start();
  fill_segments(3);
  stop();
  files.flip_bit(path(1), 8 * 5000);
  start();
  const History history = this->history();
  ASSERT_TRUE(history.error);
  EXPECT_EQ(history.error->kind, ErrorKind::kCorrupt);
  EXPECT_THAT(history.error->message, HasSubstr("segment-0000000001.log is damaged at byte"));
  EXPECT_GT(history.payloads.size(), 0u) << "what lies before it can be read";
}

TEST_F(SegmentRecovery, StartDoesNotReadSealedBodies) {
  start();
  fill_segments(2);
  stop();
  FaultyFileSystem counted(files);
  options.files = &counted;
  start();
  const uint64_t reads_of_two = counted.calls(Call::kRead);
  fill_segments(6);
  stop();
  const uint64_t before = counted.calls(Call::kRead);
  start();
  const uint64_t reads_of_six = counted.calls(Call::kRead) - before;
  // Header and footer of each further segment.
  EXPECT_LE(reads_of_six, reads_of_two + 2 * 4 + 8);
}

TEST_F(SegmentRecovery, ForeignDirectoryIsRefused) {
  must(files.create_directory(directory()));
  files.set_contents(directory() + "/holiday.jpg", {});
  const Error error = start_error();
  EXPECT_EQ(error.kind, ErrorKind::kInvalid);
  EXPECT_EQ(error.message,
            "data/log is not a tenure log: it holds holiday.jpg; name an empty or a new directory");
}

TEST_F(SegmentRecovery, SegmentsWithoutAnIdentityAreDamage) {
  start();
  write(1);
  stop();
  must(files.remove(path_in(directory(), kIdentityName)));
  EXPECT_EQ(start_error().kind, ErrorKind::kCorrupt);
}

TEST_F(SegmentRecovery, DamagedIdentityIsReported) {
  start();
  stop();
  files.flip_bit(path_in(directory(), kIdentityName), 70);
  EXPECT_THAT(start_error().message, HasSubstr("data/log/IDENTITY is damaged"));
}

TEST_F(SegmentRecovery, SegmentOfAnotherLogIsDamage) {
  start();
  fill_segments(2);
  stop();
  const auto ours = files.contents(path(1));
  SegmentFixture other;
  other.options.new_log_id = [] { return LogId{}; };
  other.start();
  other.fill_segments(2);
  other.stop();
  files.set_contents(path(1), other.files.contents(other.path(1)));
  EXPECT_THAT(start_error().message, HasSubstr("no header of this log"));
}

TEST_F(SegmentRecovery, LogOfANewerFormatIsRefused) {
  start();
  stop();
  LogIdentity identity{.format = 2, .log_id = {}};
  must(write_identity(files, directory(), identity));
  EXPECT_EQ(start_error().kind, ErrorKind::kUnsupported);
}

TEST_F(SegmentRecovery, OptionsThatDoNotFitAreRefused) {
  options.partitions = 4;
  EXPECT_EQ(start_error().kind, ErrorKind::kInvalid);
  options.partitions = 1;
  options.segment_bytes = 10000;
  EXPECT_EQ(start_error().kind, ErrorKind::kInvalid);
}

TEST_F(SegmentRecovery, ProcessClaimsALogOnce) {
  start();
  EXPECT_EQ(log().open_writer(kPartition, kWriter).error().kind, ErrorKind::kConflict);
}

TEST_F(SegmentRecovery, BatchTooLargeForASegmentFails) {
  start();
  write(1, log().max_batch_bytes());
  ASSERT_TRUE(last_failure_);
  EXPECT_EQ(last_failure_->kind, ErrorKind::kInvalid);
  EXPECT_EQ(acknowledged_, 0u);
}

TEST_F(SegmentRecovery, LargestBatchFits) {
  start();
  write(1, log().max_batch_bytes() - kPrefixSize);
  EXPECT_EQ(acknowledged_, 1u);
}

TEST_F(SegmentRecovery, ReaderWithoutALockStopsBeforeABatchThatNothingProves) {
  start();
  write(3);
  write(2);
  const SegmentReader reader = must(SegmentReader::open(files, directory()));
  EXPECT_EQ(history_of(must(reader.read(Offset{0}))).payloads, payloads(3));
  EXPECT_EQ(reader.find(Number{3}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(must(reader.find(Number{2})), Offset{3});
}

TEST_F(SegmentRecovery, ReaderThatSyncsReadsTheLastBatchToo) {
  start();
  write(3);
  write(2);
  const auto tail = SegmentReader::Tail::kSync;
  const SegmentReader reader = must(SegmentReader::open(files, directory(), tail));
  EXPECT_EQ(history_of(must(reader.read(Offset{0}))).payloads, payloads(5));
  EXPECT_EQ(must(reader.find(Number{4})), Offset{5});
}

TEST_F(SegmentRecovery, ReaderWithoutALockReadsAllOfACleanlyStoppedLog) {
  start();
  write(3);
  write(2);
  stop();
  const SegmentReader reader = must(SegmentReader::open(files, directory()));
  EXPECT_EQ(history_of(must(reader.read(Offset{0}))).payloads, payloads(5));
}

TEST_F(SegmentRecovery, ReaderWithoutALogSaysSo) {
  must(files.create_directory(directory()));
  EXPECT_EQ(SegmentReader::open(files, directory()).error().kind, ErrorKind::kNotFound);
}

TEST_F(SegmentRecovery, DescriptionCountsWhatThereIs) {
  start();
  fill_segments(2);
  const uint64_t decisions = acknowledged_;
  stop();
  const LogDescription cleanly = must(describe_log(files, directory()));
  EXPECT_EQ(cleanly.log_id, "07070707070707070707070707070707");
  EXPECT_EQ(cleanly.segments, segment_files());
  EXPECT_EQ(cleanly.decisions, decisions);
  EXPECT_EQ(cleanly.claims, 1u);
  EXPECT_EQ(cleanly.records, decisions + 1);
  EXPECT_EQ(cleanly.void_records, 0u);
  EXPECT_TRUE(cleanly.stopped_cleanly);
  start();
  EXPECT_FALSE(must(describe_log(files, directory())).stopped_cleanly);
}

}  // namespace
}  // namespace tenure::test
