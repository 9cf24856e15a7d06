// A view shows one moment of the rows, whatever was kept of them and however they were written.
#include "projections/store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "projections/key_layout.h"
#include "projections/row_cache.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

constexpr PartitionId kPartition{0};
using Rows = std::map<std::string, std::string>;  // by key

RowBytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void write(Store& store, const std::map<std::string, std::optional<std::string>>& rows) {
  Arena arena;
  RowBatch batch;
  auto base = store.uncached_view();
  batch.set_base(base.get(), arena);
  for (const auto& [key, row] : rows) {
    if (row) {
      batch.put(Family::kMembership, key, as_bytes(*row));
    } else {
      batch.erase(Family::kMembership, key);
    }
  }
  SortedChanges changes;
  batch.changes(changes.families[static_cast<size_t>(Family::kMembership)]);
  const ProjectorPosition position;
  const Store::Part part{&changes, kPartition, &position};
  const auto written = store.write(std::span(&part, 1));
  ASSERT_TRUE(written) << written.error().message;
}

// "-" where there is none.
std::string read(const RowView& view, const std::string& key) {
  Row row;
  const auto found = view.get(Family::kMembership, key, row);
  EXPECT_TRUE(found) << found.error().message;
  if (!found || !*found) return "-";
  return {reinterpret_cast<const char*>(row.bytes().data()), row.bytes().size()};
}

// Of far more rows than there is room for, those asked for again and again stay.
TEST(RowCacheTest, WhatIsAskedForStays) {
  constexpr int kOften = 50, kOnce = 20'000;
  RowCache cache(256u << 10);
  const std::string bytes(100, 'x');
  Row row;
  const auto often = [](int i) { return "often|" + std::to_string(i); };
  const auto once = [](int i) { return "once|" + std::to_string(i); };
  for (int i = 0; i < kOften; ++i) cache.keep(Family::kMembership, often(i), 0, as_bytes(bytes));
  for (int i = 0; i < kOnce; ++i) {
    ASSERT_EQ(cache.find(Family::kMembership, often(i % kOften), 0, row), RowCache::Found::kRow);
    ASSERT_EQ(row.bytes().size(), bytes.size());
    cache.keep(Family::kMembership, once(i), 0, as_bytes(bytes));
  }
  int kept = 0;
  for (int i = 0; i < kOnce; ++i) {
    kept += cache.find(Family::kMembership, once(i), 0, row) == RowCache::Found::kRow;
  }
  EXPECT_GT(kept, 500);
  EXPECT_LT(kept, 2'600);  // of 100 bytes in 256 KiB
}

TEST(StoreTest, EachViewGoesOnShowingItsMoment) {
  const TemporaryDirectory directory;
  // Room for some of the rows only; every other write goes as files.
  auto store = Store::open(directory.path(), {.row_cache_bytes = 16u << 10, .rows_for_files = 8});
  ASSERT_TRUE(store) << store.error().message;
  std::mt19937 random(7);
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  const auto any_key = [&] { return "org|" + std::to_string(below(200)); };
  struct Held {
    std::unique_ptr<RowView> view;
    Rows rows;
  };
  std::vector<Held> held;
  Rows now;
  size_t compared = 0, absent = 0;
  for (int round = 0; round < 300; ++round) {
    std::map<std::string, std::optional<std::string>> changes;
    for (uint32_t i = 0, n = 1 + below(16); i < n; ++i) {
      if (below(4) == 0) {
        changes[any_key()] = std::nullopt;
      } else {
        changes[any_key()] = std::to_string(round) + std::string(below(100), 'x');
      }
    }
    write(**store, changes);
    for (const auto& [key, row] : changes) {
      if (row) {
        now[key] = *row;
      } else {
        now.erase(key);
      }
    }
    held.push_back({(*store)->view(), now});
    if (held.size() > 4) held.erase(held.begin() + below(5));
    for (int i = 0; i < 40; ++i) {
      const Held& one = held[below(static_cast<uint32_t>(held.size()))];
      const std::string key = any_key();
      const auto wanted = one.rows.find(key);
      ASSERT_EQ(read(*one.view, key), wanted == one.rows.end() ? "-" : wanted->second)
          << "round " << round << ", row " << key;
      ++compared;
      absent += wanted == one.rows.end();
    }
  }
  EXPECT_GT(absent, compared / 10);
}

TEST(StoreTest, AViewTakenWhileRowsAreWrittenIsOfOneWrite) {
  const TemporaryDirectory directory;
  auto store = Store::open(directory.path());
  ASSERT_TRUE(store) << store.error().message;
  constexpr int kWrites = 1000, kRows = 8;
  const auto key = [](int i) { return "org|" + std::to_string(i); };
  std::atomic<bool> done = false;
  std::atomic<uint64_t> views = 0, moved = 0;
  const auto reader = [&] {
    int last = -1;
    while (!done) {
      const auto view = (*store)->view();
      const std::string first = read(*view, key(0));
      for (int i = 1; i < kRows; ++i) ASSERT_EQ(read(*view, key(i)), first);
      const int now = first == "-" ? -1 : std::stoi(first);
      ASSERT_GE(now, last);
      moved += now > last;
      last = now;
      ++views;
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(reader);
  for (int n = 0; n < kWrites; ++n) {
    std::map<std::string, std::optional<std::string>> rows;
    for (int i = 0; i < kRows; ++i) rows[key(i)] = std::to_string(n);
    write(**store, rows);
    EXPECT_EQ(read(*(*store)->view(), key(n % kRows)), std::to_string(n)) << "not what was written";
  }
  done = true;
  for (auto& thread : readers) thread.join();
  EXPECT_GT(views, 0u);
  std::printf("%lu views, %lu of a later write than the one before\n",
              static_cast<unsigned long>(views), static_cast<unsigned long>(moved));
}

}  // namespace
}  // namespace tenure::test
