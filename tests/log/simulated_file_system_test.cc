// The simulated disk forgets what a real one may forget, and nothing else.
#include "tests/support/simulated_file_system.h"

#include <gmock/gmock.h>

#include "tests/log/log_fixture.h"

namespace tenure::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SimulatedDisk : public testing::Test {
 protected:
  SimulatedDisk() { must(files.create_directory("d")); }

  std::unique_ptr<File> create(const std::string& path, std::string_view text) {
    auto file = must(files.open(path, OpenMode::kCreateNew));
    must(file->write_at(0, {as_bytes(text)}));
    return file;
  }
  static std::string text_of(SimulatedFileSystem& disk, const std::string& path) {
    return as_text(disk.contents(path));
  }

  SimulatedFileSystem files;
};

TEST_F(SimulatedDisk, ReadsWhatWasWritten) {
  const auto file = create("d/a", "hello world");
  std::string text(5, ' ');
  EXPECT_EQ(must(file->read_at(6, std::as_writable_bytes(std::span(text)))), 5u);
  EXPECT_EQ(text, "world");
  EXPECT_EQ(must(file->size()), 11u);
}

TEST_F(SimulatedDisk, SyncedBytesUnderASyncedNameOutliveThePower) {
  must(create("d/a", "kept")->sync());
  must(files.sync_directory("d"));
  files.crash();
  EXPECT_EQ(text_of(files, "d/a"), "kept");
}

TEST_F(SimulatedDisk, UnsyncedNamesAndBytesMayBeLostOrKept) {
  int names_lost = 0, bytes_lost = 0, bytes_kept = 0, torn = 0;
  const std::string text(5000, 'x');
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedFileSystem disk(seed);
    must(disk.create_directory("d"));
    auto file = must(disk.open("d/a", OpenMode::kCreateNew));
    if (seed % 2 == 0) must(disk.sync_directory("d"));
    must(file->write_at(0, {as_bytes(text)}));
    disk.crash();
    if (must(disk.list("d")).empty()) {
      EXPECT_NE(seed % 2, 0u) << "a synced name was lost";
      ++names_lost;
      continue;
    }
    const std::string left = text_of(disk, "d/a");
    left.empty() ? ++bytes_lost : left == text ? ++bytes_kept : ++torn;
  }
  EXPECT_GT(names_lost, 0);
  EXPECT_GT(bytes_lost, 0);
  EXPECT_GT(bytes_kept, 0);
  EXPECT_GT(torn, 0);
}

TEST_F(SimulatedDisk, TornWriteLeavesWhatWasSyncedBefore) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedFileSystem disk(seed);
    must(disk.create_directory("d"));
    auto file = must(disk.open("d/a", OpenMode::kCreateNew));
    must(file->write_at(0, {as_bytes(std::string(3000, 'o'))}));
    must(file->sync());
    must(disk.sync_directory("d"));
    must(file->write_at(1000, {as_bytes(std::string(1000, 'n'))}));
    disk.crash();
    const std::string left = text_of(disk, "d/a");
    EXPECT_EQ(left.substr(0, 1000), std::string(1000, 'o'));
    EXPECT_EQ(left.substr(2000), std::string(1000, 'o'));
    EXPECT_EQ(left.find_first_not_of("on"), std::string::npos);
  }
}

TEST_F(SimulatedDisk, KillLosesNothingButFilesAndLocks) {
  auto file = create("d/a", "unsynced");
  auto lock = must(files.lock("d/L", "me"));
  files.kill();
  EXPECT_EQ(text_of(files, "d/a"), "unsynced");
  EXPECT_FALSE(file->sync());
  EXPECT_FALSE(file->write_at(0, {as_bytes("late")}));
  EXPECT_TRUE(files.lock("d/L", "another"));
}

TEST_F(SimulatedDisk, BytesOfAFailedSyncAreReadableUntilThePowerGoes) {
  auto file = create("d/a", "");
  must(file->sync());
  must(files.sync_directory("d"));
  must(file->write_at(0, {as_bytes("lost")}));
  files.fail_next_sync();
  EXPECT_FALSE(file->sync());
  EXPECT_TRUE(file->sync()) << "Linux forgets";
  EXPECT_EQ(text_of(files, "d/a"), "lost");
  files.crash();
  EXPECT_EQ(text_of(files, "d/a"), "");
}

TEST_F(SimulatedDisk, RenamedNameReplacesTheOldOne) {
  create("d/a", "new");
  create("d/b", "old");
  must(files.rename("d/a", "d/b"));
  EXPECT_THAT(must(files.list("d")), ElementsAre("b"));
  EXPECT_EQ(text_of(files, "d/b"), "new");
  must(files.remove("d/b"));
  EXPECT_THAT(must(files.list("d")), IsEmpty());
}

TEST_F(SimulatedDisk, LockIsHeldUntilItIsLetGo) {
  auto lock = must(files.lock("d/L", "process 1"));
  const auto second = files.lock("d/L", "process 2");
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(second.error().message, testing::HasSubstr("process 1"));
  lock.reset();
  EXPECT_TRUE(files.lock("d/L", "process 2"));
}

TEST_F(SimulatedDisk, FullDiskRefusesGrowthAlone) {
  auto file = create("d/a", "12345");
  files.set_capacity(5);
  EXPECT_EQ(file->write_at(3, {as_bytes("456")}).error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(file->write_at(3, {as_bytes("99")}));
  EXPECT_EQ(must(files.free_bytes("d")), 0u);
}

TEST_F(SimulatedDisk, SameSeedLosesTheSame) {
  const auto left_by = [](uint64_t seed) {
    SimulatedFileSystem disk(seed);
    must(disk.create_directory("d"));
    auto file = must(disk.open("d/a", OpenMode::kCreateNew));
    must(disk.sync_directory("d"));
    for (uint64_t i = 0; i < 20; ++i) {
      must(file->write_at(i * 700, {as_bytes(std::string(700, static_cast<char>('a' + i)))}));
    }
    disk.crash();
    return text_of(disk, "d/a");
  };
  EXPECT_EQ(left_by(5), left_by(5));
  EXPECT_NE(left_by(5), left_by(6));
}

}  // namespace
}  // namespace tenure::test
