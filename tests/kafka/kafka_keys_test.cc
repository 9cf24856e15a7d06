// The keys of persons in a topic of a real broker: one for each person, whoever makes it, and none
// left of whom was erased.
#include "tools/server/kafka_keys.h"

#include <algorithm>
#include <thread>

#include "engine/log/kafka_admin.h"
#include "tests/kafka/kafka_intake_fixture.h"

namespace tenure::test {
namespace {

class KafkaKeysTest : public ::testing::Test {
 protected:
  KafkaKeysTest() { make_topic({}); }

  // What the topic's settings must be, but for some.
  void make_topic(const std::map<std::string, std::string>& other) {
    prefix_ = new_prefix();
    KafkaAdmin admin = must(KafkaAdmin::make(connection()));
    for (KafkaTopic& each : kafka_topics(prefix_, 1, 1)) {
      if (each.name != topic()) continue;
      for (const auto& [name, value] : other) each.settings[name] = value;
      must(admin.create(each));
    }
  }
  std::string topic() const { return kafka_topic_name(prefix_, "keys"); }

  std::unique_ptr<KafkaKeys> open() const {
    return must(KafkaKeys::open({.connection = connection(), .prefix = prefix_}));
  }
  void put(std::string key, std::string value) const {
    const auto publisher = must(KafkaPublisher::make({.connection = connection()}));
    std::atomic<bool> acknowledged = false;
    must(publisher->publish({topic(), 0, std::move(key), std::move(value), {}},
                            [&](const Result<void>& how) { acknowledged = how.has_value(); }));
    EXPECT_TRUE(eventually([&] { return acknowledged.load(); }));
  }

  static PersonKey key_of(PersonKeys& keys, std::string_view subject) {
    return must(keys.keys_of({&subject, 1})).front();
  }

  std::string prefix_;
};

TEST_F(KafkaKeysTest, APersonHasOneKeyInEveryProcessAndSharesItWithNobody) {
  const auto one = open(), other = open();
  const PersonKey alice = key_of(*one, "alice"), bob = key_of(*other, "bob");
  EXPECT_NE(alice, bob);
  EXPECT_EQ(key_of(*one, "alice"), alice);
  // Whether or not it has read of them yet.
  EXPECT_EQ(key_of(*other, "alice"), alice);
  EXPECT_EQ(key_of(*one, "bob"), bob);
  EXPECT_EQ(one->find("carol"), std::nullopt);
  EXPECT_TRUE(eventually([&] { return other->find("alice") == alice; }));
}

TEST_F(KafkaKeysTest, KeysComeInTheOrderOfTheSubjects) {
  const auto keys = open();
  const std::vector<std::string_view> subjects = {"b", "a", "b"};
  const auto found = must(keys->keys_of(subjects));
  EXPECT_EQ(found, (std::vector{*keys->find("b"), *keys->find("a"), *keys->find("b")}));
}

TEST_F(KafkaKeysTest, AKeyThatWasGivenOutIsThereWhenItsProcessIsGone) {
  PersonKey alice;
  {
    const auto keys = open();
    alice = key_of(*keys, "alice");
  }
  EXPECT_EQ(open()->find("alice"), alice);
}

TEST_F(KafkaKeysTest, WhoMakesKeysForTheSamePersonsAtOnceGetsTheSameOnes) {
  constexpr size_t kProcesses = 4, kPeople = 40;
  std::vector<std::unique_ptr<KafkaKeys>> processes;
  for (size_t i = 0; i < kProcesses; ++i) processes.push_back(open());
  std::vector<std::vector<PersonKey>> found(kProcesses);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < kProcesses; ++i) {
      threads.emplace_back([&, i] {
        for (size_t person = 0; person < kPeople; ++person) {
          found[i].push_back(key_of(*processes[i], fmt::format("person-{}", person)));
        }
      });
    }
  }
  for (size_t i = 1; i < kProcesses; ++i) EXPECT_EQ(found[i], found[0]);
  const auto later = open();
  for (size_t person = 0; person < kPeople; ++person) {
    EXPECT_EQ(later->find(fmt::format("person-{}", person)), found[0][person]);
  }
}

TEST_F(KafkaKeysTest, ADestroyedKeyIsGoneInEveryProcessAndANewOneIsAnother) {
  const auto one = open(), other = open();
  const PersonKey alice = key_of(*one, "alice"), bob = key_of(*one, "bob");
  // `other` may not have read of her when it is asked.
  must(other->destroy("alice", name_of(alice)));
  EXPECT_EQ(other->find("alice"), std::nullopt);
  EXPECT_TRUE(eventually([&] { return !one->find("alice"); }));
  EXPECT_EQ(open()->find("alice"), std::nullopt);
  EXPECT_EQ(other->find("bob"), bob);
  const PersonKey again = key_of(*one, "alice");
  EXPECT_NE(again, alice);
  // Whoever destroys the first one again takes nothing from who came back.
  for (KafkaKeys* each : {one.get(), other.get()}) must(each->destroy("alice", name_of(alice)));
  EXPECT_EQ(one->find("alice"), again);
  EXPECT_EQ(open()->find("alice"), again);
}

// Of two that were made at once, where the second's process died before it took its own back: that
// one sealed nothing while the first was there.
TEST_F(KafkaKeysTest, OfSeveralTheOneThatWasUsedIsDestroyedAndTheNextIsTheirNew) {
  const std::string value = '\1' + std::string(32, 'k');
  put("alice/0000000000000001", value);
  put("alice/0000000000000002", '\1' + std::string(32, 'l'));
  const auto keys = open();
  const PersonKey used = key_of(*keys, "alice");
  EXPECT_EQ(used[0], 'k');
  must(keys->destroy("alice", name_of(used)));
  EXPECT_EQ(key_of(*keys, "alice")[0], 'l');
  EXPECT_EQ(key_of(*open(), "alice")[0], 'l');
}

TEST_F(KafkaKeysTest, WhoHasCaughtUpKnowsWhatOthersMadeAndDestroyed) {
  const auto one = open(), other = open();
  for (int round = 0; round < 20; ++round) {
    const PersonKey alice = key_of(*one, "alice");
    must(other->catch_up());
    ASSERT_EQ(other->find("alice"), alice);
    must(one->destroy("alice", name_of(alice)));
    must(other->catch_up());
    ASSERT_EQ(other->find("alice"), std::nullopt);
  }
}

TEST_F(KafkaKeysTest, EveryPartitionHasAMarkThatOthersRead) {
  const ErasureMark first{.log = {1, 2, 3}, .next = 7}, second{.log = {4}, .next = 1};
  const auto keys = open();
  EXPECT_EQ(keys->erasure_mark({0}), ErasureMark{});
  must(keys->mark_erasures({0}, first));
  must(keys->mark_erasures({11}, first));
  must(keys->mark_erasures({0}, second));
  EXPECT_EQ(keys->erasure_mark({0}), second);
  const auto later = open();
  EXPECT_EQ(later->erasure_mark({0}), second);
  EXPECT_EQ(later->erasure_mark({11}), first);
  EXPECT_EQ(later->erasure_mark({1}), ErasureMark{});
}

TEST_F(KafkaKeysTest, ForeignRecordsCountForNothingAndANewerFormatStops) {
  put("alice", "what is this?");
  put("alice/1", "\1");
  put("alice/0000000000000001", "\1too short");
  const auto keys = open();
  EXPECT_EQ(keys->find("alice"), std::nullopt);
  const PersonKey alice = key_of(*keys, "alice");
  EXPECT_EQ(open()->find("alice"), alice);
  put("bob/0000000000000001", "\2 of a later version, with more in it");
  const auto refused = KafkaKeys::open({.connection = connection(), .prefix = prefix_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnsupported);
  EXPECT_TRUE(eventually([&] {
    const std::string_view carol = "carol";
    const auto made = keys->keys_of({&carol, 1});
    return !made && made.error().kind == ErrorKind::kUnsupported;
  }));
}

TEST_F(KafkaKeysTest, AMissingTopicIsNamed) {
  const auto missing = KafkaKeys::open({.connection = connection(), .prefix = "none"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr("none.keys"));
}

// Compacted as soon as the broker looks: what lives stays in its order, what was destroyed goes.
TEST_F(KafkaKeysTest, CompactionTakesTheBytesOfADestroyedKeyAndNoOthers) {
  make_topic({{"segment.ms", "100"},
              {"min.cleanable.dirty.ratio", "0.0"},
              {"max.compaction.lag.ms", "100"}});
  const auto keys = open();
  const PersonKey alice = key_of(*keys, "alice"), bob = key_of(*keys, "bob");
  put("bob/0000000000000002", '\1' + std::string(32, 'l'));  // the second of two
  must(keys->destroy("alice", name_of(alice)));
  const std::string gone(alice.begin(), alice.end());
  size_t fillers = 0;
  EXPECT_TRUE(eventually([&] {
    key_of(*keys, fmt::format("filler-{}", fillers++));  // has the broker begin another file
    const auto all = TopicReader(topic()).read(fillers);
    return std::ranges::none_of(all,
                                [&](const Message& each) { return each.value.contains(gone); });
  }));
  const auto later = open();
  EXPECT_EQ(later->find("alice"), std::nullopt);
  EXPECT_EQ(later->find("bob"), bob);
}

}  // namespace
}  // namespace tenure::test
