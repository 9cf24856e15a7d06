#include "engine/personal/key_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "tests/support/faulty_file_system.h"
#include "tests/support/simulated_file_system.h"
#include "tests/support/temporary_directory.h"

namespace tenure {
namespace {

using test::Call;
using test::Fault;
using test::FaultyFileSystem;
using test::SimulatedFileSystem;
using testing::HasSubstr;

constexpr char kDirectory[] = "keys";
constexpr char kFile[] = "keys/people";

std::unique_ptr<KeyStore> open(FileSystem& files) {
  auto store = KeyStore::open(files, kDirectory);
  EXPECT_TRUE(store) << store.error().message;
  return store ? *std::move(store) : nullptr;
}

Error refusal_to_open(FileSystem& files) {
  auto store = KeyStore::open(files, kDirectory);
  EXPECT_FALSE(store);
  return store ? Error{} : store.error();
}

PersonKey key_of(KeyStore& store, std::string_view subject) {
  const auto keys = store.keys_of({&subject, 1});
  EXPECT_TRUE(keys) << keys.error().message;
  return keys->front();
}

bool holds(const std::vector<std::byte>& content, const PersonKey& key) {
  return !std::ranges::search(content, std::as_bytes(std::span(key))).empty();
}

TEST(KeyStoreTest, APersonKeepsOneKeyAndSharesItWithNobody) {
  SimulatedFileSystem files;
  const auto store = open(files);
  const PersonKey alice = key_of(*store, "alice");
  EXPECT_EQ(key_of(*store, "alice"), alice);
  EXPECT_NE(key_of(*store, "bob"), alice);
  EXPECT_EQ(store->find("alice"), alice);
  EXPECT_EQ(store->find("carol"), std::nullopt);
}

TEST(KeyStoreTest, KeysComeInTheOrderOfTheSubjects) {
  SimulatedFileSystem files;
  const auto store = open(files);
  const std::vector<std::string_view> subjects = {"b", "a", "b"};
  const auto keys = store->keys_of(subjects);
  ASSERT_TRUE(keys);
  EXPECT_EQ(*keys, (std::vector{*store->find("b"), *store->find("a"), *store->find("b")}));
}

TEST(KeyStoreTest, KeysAreThereAfterARestart) {
  SimulatedFileSystem files;
  PersonKey alice, bob;
  {
    const auto store = open(files);
    alice = key_of(*store, "alice");
    bob = key_of(*store, "bob");
  }
  const auto store = open(files);
  EXPECT_EQ(store->find("alice"), alice);
  EXPECT_EQ(key_of(*store, "bob"), bob);
}

TEST(KeyStoreTest, AKeyThatWasGivenOutSurvivesAPowerLoss) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedFileSystem files(seed);
    std::vector<std::pair<std::string, PersonKey>> given;
    for (int round = 0; round < 4; ++round) {
      const auto store = open(files);
      ASSERT_TRUE(store);
      for (const auto& [subject, key] : given) EXPECT_EQ(store->find(subject), key);
      for (int i = 0; i < 3; ++i) {
        const std::string subject = "u" + std::to_string(given.size());
        given.emplace_back(subject, key_of(*store, subject));
      }
      // One more group reaches the disk in part, if at all.
      files.fail_next_sync();
      const std::vector<std::string_view> lost = {"lost1", "lost2"};
      EXPECT_FALSE(store->keys_of(lost));
      files.crash();
    }
  }
}

TEST(KeyStoreTest, ATornEndIsCutOff) {
  SimulatedFileSystem files;
  const PersonKey alice = key_of(*open(files), "alice");
  const auto whole = files.contents(kFile);
  key_of(*open(files), "bob");
  const auto longer = files.contents(kFile);
  for (size_t size = whole.size(); size < longer.size(); ++size) {
    files.set_contents(kFile, {longer.begin(), longer.begin() + static_cast<ptrdiff_t>(size)});
    const auto store = open(files);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->find("alice"), alice);
    EXPECT_EQ(store->find("bob"), std::nullopt);
    EXPECT_EQ(files.contents(kFile), whole);
    EXPECT_NE(key_of(*store, "bob"), alice);
  }
}

TEST(KeyStoreTest, DamageBeforeTheEndIsCorruptionAndNothingIsCutOff) {
  SimulatedFileSystem files;
  key_of(*open(files), "alice");
  const size_t first_group_end = files.contents(kFile).size();
  key_of(*open(files), "bob");
  const auto whole = files.contents(kFile);
  for (size_t byte = 8; byte < first_group_end; ++byte) {
    auto damaged = whole;
    damaged[byte] ^= std::byte{0x10};
    files.set_contents(kFile, damaged);
    const Error error = refusal_to_open(files);
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt) << "byte " << byte;
    EXPECT_THAT(error.message, HasSubstr("damaged at byte 8; restore it from a backup"));
    EXPECT_EQ(files.contents(kFile), damaged);
  }
}

TEST(KeyStoreTest, AForeignOrNewerFileIsRefused) {
  SimulatedFileSystem files;
  open(files);
  const auto with_start = [&](std::string_view start) {
    const auto bytes = std::as_bytes(std::span(start));
    files.set_contents(kFile, {bytes.begin(), bytes.end()});
    return refusal_to_open(files).kind;
  };
  EXPECT_EQ(with_start("something else"), ErrorKind::kCorrupt);
  EXPECT_EQ(with_start(""), ErrorKind::kCorrupt);
  EXPECT_EQ(with_start("TNRKEYS2 and more"), ErrorKind::kUnsupported);
}

TEST(KeyStoreTest, ASecondProcessIsRefused) {
  SimulatedFileSystem files;
  const auto store = open(files);
  EXPECT_EQ(refusal_to_open(files).kind, ErrorKind::kConflict);
}

TEST(KeyStoreTest, ADestroyedKeyIsGoneFromMemoryAndDiskAndTheOthersStay) {
  SimulatedFileSystem files;
  auto store = open(files);
  const PersonKey alice = key_of(*store, "alice"), bob = key_of(*store, "bob");
  ASSERT_TRUE(holds(files.contents(kFile), alice));

  ASSERT_TRUE(store->destroy("alice", name_of(alice)));

  EXPECT_EQ(store->find("alice"), std::nullopt);
  EXPECT_FALSE(holds(files.contents(kFile), alice));
  EXPECT_EQ(store->find("bob"), bob);
  const PersonKey carol = key_of(*store, "carol");
  store.reset();
  files.crash();
  store = open(files);
  EXPECT_EQ(store->find("alice"), std::nullopt);
  EXPECT_EQ(store->find("bob"), bob);
  EXPECT_EQ(store->find("carol"), carol);
  EXPECT_NE(key_of(*store, "alice"), alice);
}

TEST(KeyStoreTest, AKeyIsDestroyedByItsNameAndNoOther) {
  SimulatedFileSystem files;
  auto store = open(files);
  const PersonKey first = key_of(*store, "alice"), bob = key_of(*store, "bob");
  EXPECT_TRUE(store->destroy("nobody", name_of(first)));
  EXPECT_TRUE(store->destroy("alice", name_of(bob)));
  EXPECT_EQ(store->find("alice"), first);
  EXPECT_EQ(store->find("bob"), bob);
  ASSERT_TRUE(store->destroy("alice", name_of(first)));
  const PersonKey second = key_of(*store, "alice");
  // As when an old log is read again.
  EXPECT_TRUE(store->destroy("alice", name_of(first)));
  EXPECT_EQ(store->find("alice"), second);
  store.reset();
  store = open(files);
  EXPECT_TRUE(store->destroy("alice", name_of(first)));
  EXPECT_EQ(store->find("alice"), second);
}

TEST(KeyStoreTest, TheLastMarkCountsAndIsNoPersons) {
  SimulatedFileSystem files;
  const ErasureMark later{.log = {1, 2}, .next = 900}, last{.log = {3}, .next = 4};
  auto store = open(files);
  const PersonKey alice = key_of(*store, "alice"), bob = key_of(*store, "bob");
  EXPECT_EQ(store->erasure_mark({}), ErasureMark{});
  const auto expect = [&](const ErasureMark& mark, size_t people) {
    EXPECT_EQ(store->erasure_mark({}), mark);
    store.reset();
    files.crash();
    EXPECT_EQ(KeyStore::examine(files, kDirectory), people);
    EXPECT_EQ((*KeyStore::open_to_read(files, kDirectory))->erasure_mark({}), mark);
    store = open(files);
    EXPECT_EQ(store->erasure_mark({}), mark);
    EXPECT_EQ(store->find("alice"), alice);
  };
  ASSERT_TRUE(store->mark_erasures({}, later));
  expect(later, 2);
  ASSERT_TRUE(store->mark_erasures({}, last));
  expect(last, 2);
  ASSERT_TRUE(store->destroy("bob", name_of(bob)));
  expect(last, 1);
}

// Beside threads that make keys: what was given out is there, what was destroyed is not.
TEST(KeyStoreTest, KeysAreDestroyedWhileOthersAreMade) {
  test::TemporaryDirectory directory;
  const std::string path = directory.path() + "/keys";
  constexpr int kEach = 60;
  std::vector<PersonKey> kept(kEach);
  {
    auto store = KeyStore::open(posix_file_system(), path);
    ASSERT_TRUE(store) << store.error().message;
    const auto name = [](const char* who, int i) { return who + std::to_string(i); };
    std::jthread makes([&] {
      for (int i = 0; i < kEach; ++i) kept[i] = key_of(**store, name("kept", i));
    });
    std::jthread marks([&] {
      for (uint64_t i = 1; i <= kEach; ++i) {
        EXPECT_TRUE((*store)->mark_erasures({}, {.log = {7}, .next = i}));
      }
    });
    std::vector<std::jthread> destroy;
    for (int thread = 0; thread < 3; ++thread) {
      destroy.emplace_back([&, thread] {
        for (int i = thread; i < kEach; i += 3) {
          const std::string who = name("gone", i);
          const PersonKey key = key_of(**store, who);
          EXPECT_TRUE((*store)->destroy(who, name_of(key)));
          EXPECT_EQ((*store)->find(who), std::nullopt);
        }
      });
    }
  }
  EXPECT_EQ(KeyStore::examine(posix_file_system(), path), size_t{kEach});
  auto store = KeyStore::open(posix_file_system(), path);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->erasure_mark({}), (ErasureMark{.log = {7}, .next = kEach}));
  for (int i = 0; i < kEach; ++i) EXPECT_EQ((*store)->find("kept" + std::to_string(i)), kept[i]);
}

// Every call to the file system fails once: either the destruction is told to have worked and holds
// after a power loss, or it is told to have failed; the other key is there whatever happens.
TEST(KeyStoreTest, ADestructionThatFailsAnywhereLosesNoOtherKey) {
  size_t failed = 0, done = 0;
  for (uint64_t at = 1; done == 0; ++at) {
    SCOPED_TRACE("call " + std::to_string(at));
    SimulatedFileSystem disk(at);
    FaultyFileSystem files(disk);
    auto store = open(files);
    const PersonKey alice = key_of(*store, "alice"), bob = key_of(*store, "bob");
    Fault fault;
    fault.at = at;
    files.set_fault(fault);

    const bool destroyed = store->destroy("alice", name_of(alice)).has_value();

    if (!files.fault_hit()) ++done;
    if (!destroyed) {
      ++failed;
      const std::string_view subject = "carol";
      EXPECT_FALSE(store->keys_of({&subject, 1})) << "goes on after a failed write";
    }
    files.set_fault(std::nullopt);
    store.reset();
    disk.crash();
    store = open(disk);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->find("bob"), bob);
    const auto left = store->find("alice");
    if (destroyed) {
      EXPECT_EQ(left, std::nullopt);
    } else {
      EXPECT_TRUE(!left || left == alice);
    }
  }
  EXPECT_GE(failed, 5u);
}

TEST(KeyStoreTest, AfterAFailedSyncNoKeyIsGivenOut) {
  SimulatedFileSystem files;
  const auto store = open(files);
  const PersonKey alice = key_of(*store, "alice");
  files.fail_next_sync();
  const std::string_view bob = "bob";
  const auto refused = store->keys_of({&bob, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kIo);
  EXPECT_FALSE(store->keys_of({&bob, 1})) << "a sync is never tried again";
  EXPECT_EQ(store->find("alice"), alice) << "reading goes on";
}

TEST(KeyStoreTest, AFullDiskIsToldApart) {
  SimulatedFileSystem files;
  const auto store = open(files);
  files.set_capacity(files.contents(kFile).size() + 10);
  const std::string_view bob = "bob";
  const auto refused = store->keys_of({&bob, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
}

TEST(KeyStoreTest, ASubjectThatCannotBeStoredIsRefused) {
  SimulatedFileSystem files;
  const auto store = open(files);
  for (const std::string& subject : {std::string(), std::string(256, 'x')}) {
    const std::string_view view = subject;
    const auto refused = store->keys_of({&view, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  }
  const std::string longest(255, 'x');
  const PersonKey key = key_of(*store, longest);
  EXPECT_EQ(store->find(longest), key);
}

TEST(KeyStoreTest, ThreadsThatAskAtTheSameTimeShareSyncs) {
  test::TemporaryDirectory directory;
  FaultyFileSystem files(posix_file_system());
  const std::string path = directory.path() + "/keys";
  constexpr size_t kThreads = 8, kEach = 100;
  std::vector<std::vector<PersonKey>> given(kThreads);
  {
    auto store = KeyStore::open(files, path);
    ASSERT_TRUE(store) << store.error().message;
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < kEach; ++i) {
          given[t].push_back(key_of(**store, std::to_string(t) + "-" + std::to_string(i)));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_LT(files.calls(Call::kSync), kThreads * kEach);
  auto store = KeyStore::open(files, path);
  ASSERT_TRUE(store) << store.error().message;
  for (size_t t = 0; t < kThreads; ++t) {
    for (size_t i = 0; i < kEach; ++i) {
      EXPECT_EQ((*store)->find(std::to_string(t) + "-" + std::to_string(i)), given[t][i]);
    }
  }
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
}

TEST(KeyStoreTest, MoreKeysThanOneGroupHoldsAreGivenOutAtOnce) {
  SimulatedFileSystem files;
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("user" + std::to_string(i));
  const std::vector<std::string_view> subjects(names.begin(), names.end());
  std::vector<PersonKey> given;
  {
    const auto store = open(files);
    const auto keys = store->keys_of(subjects);
    ASSERT_TRUE(keys);
    given = *keys;
    ASSERT_TRUE(store->destroy("user500", name_of(given[500])));
  }
  const auto store = open(files);
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(store->find(names[i]), i == 500 ? std::nullopt : std::optional(given[i]));
  }
}

}  // namespace
}  // namespace tenure
