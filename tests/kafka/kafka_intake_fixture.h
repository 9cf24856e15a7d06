// Topics of their own at the broker that ctest started, a client that publishes commands and reads
// what comes of them, and processes with an intake whose engine is a table in memory.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "engine/base/murmur2.h"
#include "engine/partition/same_request.h"
#include "engine/personal/key_store.h"
#include "engine/personal/seal_command.h"
#include "tests/domain/domain_machine.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/support/simulated_file_system.h"
#include "tools/server/kafka_command.h"
#include "tools/server/kafka_intake.h"

namespace tenure::test {

inline constexpr std::chrono::seconds kPatience(60);

// Whether it came true in time.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// A message that was read, kept.
struct Message {
  PartitionId partition;
  Offset offset;
  std::string key, value;
  KafkaHeaders headers;

  std::string header(std::string_view name) const {
    std::string found;
    for (const auto& [key, value] : headers) {
      if (key == name) found = value;
    }
    return found;
  }
};

// Reads a topic from its beginning.
class TopicReader {
 public:
  explicit TopicReader(const std::string& topic) {
    group_ = must(KafkaGroup::make(
        {.connection = connection(), .topic = topic, .group = new_prefix()},
        {.on_assigned = [this](auto got) { waiting_.insert(got.begin(), got.end()); },
         .on_revoked = [](auto, bool) {},
         .on_commit_failed = [](auto) {},
         .on_error = [](const Error&) {}}));
  }
  // All that is there when so many are, or when the patience ends.
  std::vector<Message> read(size_t count) {
    EXPECT_TRUE(eventually([&] {
      round(std::chrono::milliseconds(20));
      return messages_.size() >= count;
    })) << messages_.size()
        << " of " << count;
    return messages_;
  }

 private:
  void round(std::chrono::milliseconds patience) {
    std::erase_if(waiting_, [this](PartitionId each) { return !!group_->begin(each, Offset{0}); });
    while (group_->poll(patience, [this](KafkaIncoming& message) {
      messages_.push_back({message.partition,
                           message.offset,
                           std::string(message.key),
                           std::string(message.value),
                           {message.headers.begin(), message.headers.end()}});
    })) {
    }
  }

  std::set<PartitionId> waiting_;
  std::unique_ptr<KafkaGroup> group_;
  std::vector<Message> messages_;
};

class IntakeFixture : public ::testing::Test {
 protected:
  static constexpr uint32_t kPartitions = 4;

  IntakeFixture() {
    KafkaAdmin admin = must(KafkaAdmin::make(connection()));
    for (const KafkaTopic& each : kafka_topics(prefix_, kPartitions, 1)) {
      if (each.name == topic("commands") || each.name == topic("results") ||
          each.name == topic("quarantine")) {
        must(admin.create(each));
      }
    }
    publisher_ = must(KafkaPublisher::make({.connection = connection()}));
  }

  std::string topic(std::string_view name) const { return kafka_topic_name(prefix_, name); }

  // Waits until it is acknowledged.
  void publish(uint32_t partition, std::string value, KafkaHeaders headers = {},
               std::string key = "") {
    std::mutex mutex;
    std::condition_variable done;
    bool acknowledged = false;
    must(publisher_->publish({.topic = topic("commands"),
                              .partition = partition,
                              .key = std::move(key),
                              .value = std::move(value),
                              .headers = std::move(headers)},
                             [&](const Result<void>& how) {
                               const std::scoped_lock lock(mutex);
                               EXPECT_TRUE(how) << how.error().message;
                               acknowledged = true;
                               done.notify_one();
                             }));
    std::unique_lock lock(mutex);
    EXPECT_TRUE(done.wait_for(lock, kPatience, [&] { return acknowledged; }));
  }
  // To the partition that it belongs to.
  void publish_for(std::string_view org, std::string value, KafkaHeaders headers = {}) {
    publish(home(org), std::move(value), std::move(headers), std::string(org));
  }
  static uint32_t home(std::string_view org) { return partition_of(org, kPartitions); }

  KafkaIntakeOptions options() const {
    return {.connection = connection(),
            .prefix = prefix_,
            .group = prefix_ + "-engine",
            .partitions = kPartitions,
            .keys = keys_.get(),
            .session_timeout = std::chrono::milliseconds(6'000),
            .commit_every = std::chrono::milliseconds(50)};
  }

  const std::string prefix_ = new_prefix();
  std::unique_ptr<KafkaPublisher> publisher_;
  SimulatedFileSystem files_;  // of the keys
  std::unique_ptr<KeyStore> keys_ = must(KeyStore::open(files_, "keys"));
};

// What every process of a test decides into: the log, as it were. Any thread.
class FakeLog {
 public:
  Answer decide(PartitionId partition, const CommandBytes& command,
                const std::function<void(const Answer&)>& reply) {
    const std::scoped_lock lock(mutex_);
    const auto& envelope = command.get();
    const auto key =
        std::make_tuple(envelope.org()->str(), envelope.actor()->str(), envelope.id()->str());
    auto kind = Answer::Kind::kDuplicate;
    auto at = decisions_.find(key);
    if (at == decisions_.end()) {
      machine_.apply(command.view(), from_micros(1'800'000'000'000'000));
      const Position position{partition, {numbers_[partition]++}};
      at = decisions_.emplace(key, Decided{position, machine_.history().back()}).first;
      kind = Answer::Kind::kDecided;
    } else if (!same_request(*decision_of(at->second.bytes).command_nested_root(), envelope)) {
      kind = Answer::Kind::kIdempotencyMismatch;
    }
    const Answer answer =
        answer_with(kind, at->second.position, std::as_bytes(std::span(at->second.bytes)));
    reply(answer);
    return answer;
  }
  size_t count() const {
    const std::scoped_lock lock(mutex_);
    return decisions_.size();
  }

 private:
  struct Decided {
    Position position;
    std::vector<uint8_t> bytes;
  };
  mutable std::mutex mutex_;
  DomainMachine machine_;
  std::map<PartitionId, uint64_t> numbers_;
  std::map<std::tuple<std::string, std::string, std::string>, Decided> decisions_;
};

// A member of the group. By default it starts what it is assigned, and decides at once.
class IntakeProcess {
 public:
  struct Submitted {
    PartitionId partition;
    Offset source;
    std::string id;
    Reply reply;
  };

  IntakeProcess(KafkaIntakeOptions options, FakeLog& log) : log_(log) {
    KafkaIntakeHooks hooks{
        .on_assigned =
            [this](auto got) {
              const std::scoped_lock lock(mutex_);
              assigned_.insert(got.begin(), got.end());
            },
        .on_revoked =
            [this](auto gone, bool lost) {
              const std::scoped_lock lock(mutex_);
              for (const PartitionId each : gone) {
                assigned_.erase(each);
                revoked_.insert(each);
                if (lost) lost_.insert(each);
              }
            },
        .submit =
            [this](PartitionId partition, CommandBytes command, Offset source, Reply reply) {
              submit(partition, std::move(command), source, std::move(reply));
            }};
    intake_ = must(KafkaIntake::open(std::move(options), std::move(hooks)));
  }
  ~IntakeProcess() { intake_->close(); }

  void wait_assigned(size_t count) {
    EXPECT_TRUE(eventually([&] { return assigned().size() == count; }));
  }
  void start_all() {
    for (const PartitionId each : assigned()) intake_->start(each, Offset{0});
  }
  void join_alone(size_t partitions) {
    wait_assigned(partitions);
    start_all();
  }

  // kBlock: as a process that stands still, until the mode is another.
  enum class Mode : uint8_t { kDecide, kDecideAndLose, kHold, kRefuse, kBlock };
  void set_mode(Mode mode) {
    const std::scoped_lock lock(mutex_);
    mode_ = mode;
    mode_changed_.notify_all();
  }
  std::set<PartitionId> assigned() const {
    const std::scoped_lock lock(mutex_);
    return assigned_;
  }
  std::set<PartitionId> revoked() const {
    const std::scoped_lock lock(mutex_);
    return revoked_;
  }
  std::set<PartitionId> lost() const {
    const std::scoped_lock lock(mutex_);
    return lost_;
  }
  std::vector<Submitted> submitted() const {
    const std::scoped_lock lock(mutex_);
    return submitted_;
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const Submitted& each : submitted()) all.push_back(each.id);
    return all;
  }
  KafkaIntake& intake() { return *intake_; }

 private:
  void submit(PartitionId partition, CommandBytes command, Offset source, Reply reply) {
    Mode mode;
    {
      std::unique_lock lock(mutex_);
      submitted_.push_back({partition, source, command.get().id()->str(), reply});
      mode_changed_.wait(lock, [this] { return mode_ != Mode::kBlock; });
      mode = mode_;
    }
    if (mode == Mode::kDecide) log_.decide(partition, command, reply);
    if (mode == Mode::kDecideAndLose) log_.decide(partition, command, [](const Answer&) {});
    if (mode == Mode::kRefuse || mode == Mode::kDecideAndLose) reply(unavailable("not now"));
  }

  FakeLog& log_;
  mutable std::mutex mutex_;
  std::condition_variable mode_changed_;
  Mode mode_ = Mode::kDecide;
  std::set<PartitionId> assigned_, revoked_, lost_;
  std::vector<Submitted> submitted_;
  std::unique_ptr<KafkaIntake> intake_;
};

// Commands of one organization, as clients write them.
inline std::string create_json(std::string_view id, std::string_view org) {
  return fmt::format(
      R"({{"id":"{}","org":"{}","actor":"user:olga","command_type":"CreateOrganization",)"
      R"("command":{{"name":"Acme","rulebook":"space"}}}})",
      id, org);
}
inline std::string binary(std::string_view json) {
  CommandParser parser;
  const auto command = parser.parse(json, {});
  CHECK(command.has_value());
  const auto bytes = command->view();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace tenure::test
