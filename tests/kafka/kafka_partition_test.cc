// The engine's partition, unchanged, over a log in Kafka: starts, takes over, is taken over.
#include <chrono>
#include <mutex>

#include "tests/domain/domain_machine.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/partition/harness.h"
#include "tests/partition/memory_state_store.h"

namespace tenure::test {
namespace {

// A process: a log with its own mirror, a store, a partition; this thread is its engine's.
class Process {
 public:
  Process(const KafkaFixture& kafka, const std::string& name)
      : kafka_(kafka), name_(name), log_(kafka_.open(name_)) {}

  void claim() {
    partition_ = nullptr;
    const PartitionHost host{.post =
                                 [this](std::function<void()> job) {
                                   const std::scoped_lock lock(mutex_);
                                   posted_.push_back(std::move(job));
                                 },
                             .run_aside = [](std::function<void()> job) { job(); }};
    partition_ = must(
        Partition::open(*log_, store_, test_rulebooks(), test_catalog(), kWriter, now_, {}, host));
  }
  // Loses everything but the store and the mirror.
  void restart() {
    partition_ = nullptr;
    log_.reset();
    posted_.clear();
    log_ = kafka_.open(name_);
  }

  Answer::Kind ask(std::string_view json) {
    std::optional<Answer::Kind> kind;
    partition_->submit(command(json), [&](const Answer& answer) { kind = answer.kind; });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!kind) {
      partition_->step(now_);
      run_posted();
      CHECK(std::chrono::steady_clock::now() < deadline);
    }
    return *kind;
  }

  Partition& partition() { return *partition_; }
  uint64_t digest() { return must(partition_->digest("acme")); }
  void let_a_checkpoint_come() { now_ += std::chrono::seconds(11); }

 private:
  void run_posted() {
    std::vector<std::function<void()>> jobs;
    {
      const std::scoped_lock lock(mutex_);
      jobs.swap(posted_);
    }
    for (auto& job : jobs) job();
  }

  const KafkaFixture& kafka_;
  const std::string name_;
  MemoryStateStore store_;
  Time now_ = from_micros(1'800'000'000'000'000);
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<Partition> partition_;
};

std::string add_member(int number) {
  return add(numbered("a", static_cast<uint64_t>(number)), "acme",
             numbered("u", static_cast<uint64_t>(number)));
}

TEST(KafkaPartition, GoesOnAfterARestartWithTheSameState) {
  const KafkaFixture kafka;
  Process process(kafka, "one");
  process.claim();
  EXPECT_EQ(process.ask(create("c", "acme")), Answer::Kind::kDecided);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(process.ask(add_member(i)), Answer::Kind::kDecided);
  process.let_a_checkpoint_come();
  for (int i = 5; i < 9; ++i) EXPECT_EQ(process.ask(add_member(i)), Answer::Kind::kDecided);
  const uint64_t before = process.digest();
  process.restart();
  process.claim();
  EXPECT_EQ(process.digest(), before);
  EXPECT_EQ(process.partition().next_number(), Number{10});
}

TEST(KafkaPartition, IsTakenOverByAClaimAndTheOldOwnerAnswersNobody) {
  const KafkaFixture kafka;
  Process one(kafka, "one"), two(kafka, "two");
  one.claim();
  EXPECT_EQ(one.ask(create("c", "acme")), Answer::Kind::kDecided);
  EXPECT_EQ(one.ask(add_member(1)), Answer::Kind::kDecided);
  const uint64_t before = one.digest();
  two.claim();
  EXPECT_EQ(two.digest(), before);
  EXPECT_EQ(one.ask(add_member(2)), Answer::Kind::kUnavailable);
  EXPECT_TRUE(one.partition().failure());
  two.claim();  // what the old owner sent late may have shifted the first claim's records
  EXPECT_EQ(two.ask(add_member(2)), Answer::Kind::kDecided);
  one.claim();
  EXPECT_EQ(one.digest(), two.digest());
  EXPECT_EQ(one.ask(add_member(2)), Answer::Kind::kDuplicate);
}

}  // namespace
}  // namespace tenure::test
