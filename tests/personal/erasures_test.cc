#include "engine/personal/erasures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/log/memory_log.h"
#include "engine/personal/key_store.h"
#include "tests/support/simulated_file_system.h"

namespace tenure {
namespace {

constexpr PartitionId kPartition{0};

// An accepted decision that erased these, each with the name of the key they had.
std::vector<uint8_t> erasure(
    const std::vector<std::pair<std::string, std::optional<PersonKeyName>>>& erased) {
  flatbuffers::FlatBufferBuilder command;
  command.Finish(schema::CreateCommandEnvelopeDirect(
      command, "c", "acme", "service:admin", schema::Command::EraseSubject,
      schema::CreateEraseSubjectDirect(command, "bob").Union()));
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<schema::EventBox>> events;
  for (const auto& [user, name] : erased) {
    std::vector<uint8_t> bytes;
    if (name) bytes.assign(name->begin(), name->end());
    const auto event =
        schema::CreateSubjectErasedDirect(builder, user.c_str(), name ? &bytes : nullptr);
    events.push_back(schema::CreateEventBox(builder, schema::Event::SubjectErased, event.Union()));
  }
  const auto envelope = builder.CreateVector(command.GetBufferPointer(), command.GetSize());
  schema::FinishDecisionBuffer(
      builder, schema::CreateDecision(builder, envelope, 1, 1, schema::Outcome::accepted,
                                      events.empty() ? 0 : builder.CreateVector(events)));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

class Erasures : public testing::Test {
 protected:
  void SetUp() override { claim(log); }

  void claim(MemoryLog& into) { session = into.open_writer(kPartition, {"p", "", "", 1}).value(); }
  void append(const std::vector<uint8_t>& decision) {
    Batch batch{session.next, 1, {}};
    append_record(batch.bytes, {.stamp = session.stamp, .number = session.next, .tag = session.tag},
                  std::as_bytes(std::span(decision)));
    session.next = session.next.next();
    log.append(kPartition, std::move(batch), [](const Result<void>& how) { EXPECT_TRUE(how); });
    while (log.pump()) {
    }
  }
  PersonKey key_of(std::string_view subject) { return keys->keys_of({&subject, 1})->front(); }
  void carry_out() {
    const Result<void> done = carry_out_erasures(log, "memory", kPartition, *keys);
    EXPECT_TRUE(done) << done.error().message;
  }

  MemoryLog log;
  Session session;
  test::SimulatedFileSystem files;
  std::unique_ptr<KeyStore> keys = KeyStore::open(files, "keys").value();
};

TEST_F(Erasures, EveryErasureOfTheLogTakesTheKeyThatItNames) {
  const PersonKey bob = key_of("bob"), eve = key_of("eve"), dan = key_of("dan");
  append(erasure({}));
  append(erasure({{"bob", name_of(bob)}, {"eve", name_of(eve)}}));
  append(erasure({{"nobody", std::nullopt}}));
  carry_out();
  EXPECT_EQ(keys->find("bob"), std::nullopt);
  EXPECT_EQ(keys->find("eve"), std::nullopt);
  EXPECT_EQ(keys->find("dan"), dan);
  EXPECT_EQ(keys->erasure_mark(kPartition).next, 3u);
}

TEST_F(Erasures, WhoCameBackKeepsTheNewKeyWheneverTheLogIsReadAgain) {
  const auto first = erasure({{"bob", name_of(key_of("bob"))}});
  append(first);
  carry_out();
  const PersonKey again = key_of("bob");
  // As a start that does not know of it, and as a key store that never heard of this log.
  ASSERT_TRUE(carry_out_erasures(*flatbuffers::GetRoot<schema::Decision>(first.data()), *keys));
  ASSERT_TRUE(keys->mark_erasures(kPartition, {}));
  carry_out();
  EXPECT_EQ(keys->find("bob"), again);
}

TEST_F(Erasures, WhatLiesBelowTheMarkIsNotLookedAt) {
  append(erasure({}));
  append(erasure({{"bob", name_of(key_of("bob"))}}));
  append(erasure({{"eve", name_of(key_of("eve"))}}));
  ASSERT_TRUE(mark_erasures("memory", kPartition, Number{2}, *keys));
  carry_out();
  EXPECT_NE(keys->find("bob"), std::nullopt);
  EXPECT_EQ(keys->find("eve"), std::nullopt);
  append(erasure({{"bob", name_of(key_of("bob"))}}));
  carry_out();
  EXPECT_EQ(keys->find("bob"), std::nullopt);
}

// Keys from elsewhere: of another log, or of this one when it was longer.
TEST_F(Erasures, AMarkOfAnotherLogOrBeyondTheEndCountsForNothing) {
  append(erasure({}));
  for (const bool beyond : {false, true}) {
    append(erasure({{"bob", name_of(key_of("bob"))}}));
    carry_out();
    EXPECT_EQ(keys->find("bob"), std::nullopt);
    append(erasure({{"bob", name_of(key_of("bob"))}}));
    ErasureMark mark = keys->erasure_mark(kPartition);
    beyond ? void(mark.next = 100) : void(mark = {.log = {9, 9}, .next = session.next.value});
    ASSERT_TRUE(keys->mark_erasures(kPartition, mark));
    carry_out();
    EXPECT_EQ(keys->find("bob"), std::nullopt) << beyond;
    EXPECT_EQ(keys->erasure_mark(kPartition).next, session.next.value);
  }
}

// After a restart the erasure is carried out all the same.
TEST_F(Erasures, AFailedSyncIsMadeGoodByTheNextStart) {
  const PersonKey bob = key_of("bob");
  append(erasure({{"bob", name_of(bob)}}));
  files.fail_next_sync();
  EXPECT_FALSE(carry_out_erasures(log, "memory", kPartition, *keys));
  EXPECT_EQ(keys->erasure_mark(kPartition), ErasureMark{});
  keys.reset();
  files.crash();
  keys = KeyStore::open(files, "keys").value();
  carry_out();
  EXPECT_EQ(keys->find("bob"), std::nullopt);
  const auto content = files.contents("keys/people");
  EXPECT_TRUE(std::ranges::search(content, std::as_bytes(std::span(bob))).empty());
}

}  // namespace
}  // namespace tenure
