// Rows that are not what was written are noticed, and built again from the log.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "projections/key_layout.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

namespace fs = std::filesystem;

// The store in use: `rows-N`.
fs::path store_in(const std::string& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("rows-")) return entry.path();
  }
  return {};
}

std::vector<fs::path> files_in(const fs::path& directory, const std::string& part) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().find(part) != std::string::npos) {
      files.push_back(entry.path());
    }
  }
  return files;
}

fs::path largest_table(const std::string& directory) {
  std::vector<fs::path> tables = files_in(store_in(directory), ".sst");
  return *std::ranges::max_element(tables, {}, [](const fs::path& p) { return fs::file_size(p); });
}

void flip_byte(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  char byte = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x10));
}

class DamageTest : public testing::Test {
 protected:
  DamageTest() {
    world_.run_random(1, 300);
    open_models(models_, world_).reset();  // flushed
  }

  // Opens again: what was there must have been given up, and the rows be equal once more.
  void expect_rebuilt(World& world) {
    auto models = ReadModels::open(models_, world.log(), {kPartition});
    ASSERT_TRUE(models) << models.error().message;
    EXPECT_NE((*models)->restarted(), "");
    EXPECT_EQ((*models)->applied(kPartition).value, 0u);
    catch_up(**models);
    EXPECT_EQ(difference_to_rebuilt(world, *(*models)->view()), "");
    EXPECT_EQ(files_in(models_, "rows-").size(), 1u);  // the damaged one is gone
    models->reset();
    auto again = ReadModels::open(models_, world.log(), {kPartition});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->restarted(), "");
    EXPECT_EQ((*again)->applied(kPartition).value, world.decisions());
  }

  TemporaryDirectory directory_;
  std::string models_ = directory_.path() + "/models";
  World world_;
};

TEST_F(DamageTest, ADeletedTableFileIsNoticedWhenOpening) {
  for (const fs::path& table : files_in(store_in(models_), ".sst")) {
    fs::remove(table);
    break;
  }
  expect_rebuilt(world_);
}

TEST_F(DamageTest, ADeletedManifestIsNoticedWhenOpening) {
  for (const fs::path& manifest : files_in(store_in(models_), "MANIFEST")) fs::remove(manifest);
  expect_rebuilt(world_);
}

TEST_F(DamageTest, ATruncatedTableFileIsNoticedWhenOpening) {
  fs::path table = files_in(store_in(models_), ".sst").front();
  fs::resize_file(table, fs::file_size(table) / 2);
  expect_rebuilt(world_);
}

TEST_F(DamageTest, ALostStoreIsBuiltAnew) {
  fs::remove_all(store_in(models_));
  auto models = open_models(models_, world_);
  EXPECT_EQ(difference_to_rebuilt(world_, *models->view()), "");
}

// A flipped byte may open; whoever reads it, or checks all, finds it, and the next start begins
// anew.
TEST_F(DamageTest, AFlippedByteIsFoundByChecking) {
  flip_byte(largest_table(models_), 20);  // in the first block of rows
  {
    auto store = Store::open(store_in(models_));
    ASSERT_TRUE(store) << store.error().message;
    auto checked = (*store)->check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, ErrorKind::kCorrupt);
  }
  expect_rebuilt(world_);
}

TEST_F(DamageTest, AFlippedByteThatAReadMeetsIsAnErrorAndNotAnAnswer) {
  flip_byte(largest_table(models_), 20);
  {
    auto models = ReadModels::open(models_, world_.log(), {kPartition});
    ASSERT_TRUE(models);
    ASSERT_EQ((*models)->restarted(), "");
    auto report = compare_rows(*(*models)->view(), *(*models)->view());
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, ErrorKind::kCorrupt);
  }
  expect_rebuilt(world_);
}

TEST_F(DamageTest, AnotherRowFormatIsBuiltAnew) {
  {
    std::string path = store_in(models_);
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &opened).ok());
    std::unique_ptr<rocksdb::DB> db(opened);
    ASSERT_TRUE(db->Put({}, "format", "0").ok());
    for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  }
  expect_rebuilt(world_);
}

TEST_F(DamageTest, AnotherLogIsNoticedByItsLastRecord) {
  World other;
  other.run_random(2, 400);
  expect_rebuilt(other);
}

TEST_F(DamageTest, ALogThatWasCutIsNoticed) {
  World shorter;
  shorter.run_random(1, 100);
  expect_rebuilt(shorter);
}

TEST_F(DamageTest, RebuildingSwitchesOnlyWhenItIsDone) {
  auto rebuilt = rebuild_read_models(models_, world_.log(), {kPartition});
  ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  auto models = ReadModels::open(models_, world_.log(), {kPartition});
  ASSERT_TRUE(models);
  EXPECT_EQ((*models)->applied(kPartition).value, world_.decisions());
  EXPECT_EQ((*models)->restarted(), "");
  models->reset();

  // One that was cut off left a directory behind; the one in use is as it was.
  fs::path in_use = store_in(models_);
  fs::copy(in_use, models_ + "/rows-99", fs::copy_options::recursive);
  models = ReadModels::open(models_, world_.log(), {kPartition});
  ASSERT_TRUE(models);
  EXPECT_EQ((*models)->applied(kPartition).value, world_.decisions());
  EXPECT_FALSE(fs::exists(models_ + "/rows-99"));
}

TEST_F(DamageTest, VerifyComparesWithWhatTheLogGives) {
  auto report = verify_read_models(models_, world_.log(), {kPartition});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->difference, std::nullopt);
  EXPECT_EQ(report->applied, world_.decisions());
  EXPECT_GT(report->rows[0], 0u);
  EXPECT_FALSE(fs::exists(models_ + "/verify"));
}

// A row that somebody changed behind our back has good checksums; only comparing finds it.
TEST_F(DamageTest, VerifyNamesTheFirstRowThatDiffers) {
  {
    auto store = Store::open(store_in(models_));
    ASSERT_TRUE(store);
    auto position = (*store)->position(kPartition);
    ASSERT_TRUE(position && *position);
    Arena arena;
    RowBatch forged;
    auto view = (*store)->view();
    forged.set_base(view.get(), arena);
    const uint8_t bytes[] = {1, 2, 3};
    forged.put(Family::kUsage, Keys("org").organization(), bytes);
    SortedChanges changes;
    forged.changes(changes.families[static_cast<size_t>(Family::kUsage)]);
    const Store::Part part{&changes, kPartition, &**position};
    ASSERT_TRUE((*store)->write(std::span(&part, 1)));
    ASSERT_TRUE((*store)->flush());
  }
  auto report = verify_read_models(models_, world_.log(), {kPartition});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(report->difference);
  EXPECT_EQ(*report->difference, "usage row org| should not be there");
}

TEST_F(DamageTest, AStoreHeldByAnotherIsAConflictAndNotDamage) {
  auto held = ReadModels::open(models_, world_.log(), {kPartition});
  ASSERT_TRUE(held);
  auto second = ReadModels::open(models_, world_.log(), {kPartition});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
}

}  // namespace
}  // namespace tenure::test
