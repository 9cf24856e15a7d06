// What the process's producer sends together, and that it waits for answers without working.
#include "engine/log/kafka_producer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "tests/kafka/mock_cluster.h"
#include "tests/log/log_fixture.h"

namespace tenure::test {
namespace {

using std::chrono::milliseconds;

const std::string kTopic = "log";

// Where each record landed, by partition in the order of reports.
class Reports {
 public:
  void add(PartitionId partition, std::string record, Result<Offset> offset) {
    const std::scoped_lock lock(mutex_);
    reported_[partition].emplace_back(std::move(record), must(std::move(offset)).value);
    ++count_;
    moved_.notify_all();
  }
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return count_ >= count; });
  }
  using Landed = std::vector<std::pair<std::string, uint64_t>>;
  const Landed& of(PartitionId partition) { return reported_[partition]; }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::map<PartitionId, Landed> reported_;
  size_t count_ = 0;
};

struct TestParcel final : KafkaParcel {
  explicit TestParcel(Reports& to) : reports(to) {}
  void reported(std::span<const std::byte> record, Result<Offset> offset) override {
    reports.add(partition, {reinterpret_cast<const char*>(record.data()), record.size()}, offset);
  }
  Reports& reports;
};

class KafkaProducerTest : public testing::Test {
 protected:
  // `count` records named by a number, the first one so long.
  std::shared_ptr<KafkaParcel> parcel(PartitionId partition, size_t count, size_t first_size = 0) {
    auto made = std::make_shared<TestParcel>(reports_);
    made->partition = partition;
    std::vector<std::string> records;
    size_t size = 0;
    for (size_t i = 0; i < count; ++i) {
      std::string& record = records.emplace_back(fmt::format("{}", sent_[partition]++));
      if (i == 0 && record.size() < first_size) record.resize(first_size, '.');
      size += record.size();
    }
    std::byte* at = made->bytes.grow(size);
    for (const std::string& record : records) {
      std::memcpy(at, record.data(), record.size());
      made->records.emplace_back(at, record.size());
      at += record.size();
    }
    return made;
  }
  std::unique_ptr<KafkaProducer> make_producer() const {
    return must(KafkaProducer::make(cluster_.connection(), kTopic,
                                    {.each_round = [] {}, .on_fatal = [](const Error&) {}}));
  }

  MockCluster cluster_{kTopic, 3};
  Reports reports_;
  std::map<PartitionId, size_t> sent_;
};

TEST_F(KafkaProducerTest, EachPartitionKeepsItsOrderWhateverIsSentTogether) {
  const auto producer = make_producer();
  cluster_.answers_after(milliseconds(5));
  constexpr size_t kRounds = 100;
  size_t records = 0;
  for (size_t round = 0; round < kRounds; ++round) {
    for (uint32_t partition = 0; partition < 3; ++partition) {
      const size_t count = 1 + (round + partition) % 7;
      const size_t first_size = round % 10 == 3 ? 70'000 : 0;  // goes ahead of the beat
      must(producer->send(parcel({partition}, count, first_size)));
      records += count;
    }
    if (round % 20 == 0) reports_.wait_for(records);
  }
  reports_.wait_for(records);
  for (uint32_t partition = 0; partition < 3; ++partition) {
    const auto& landed = reports_.of({partition});
    ASSERT_EQ(landed.size(), sent_[{partition}]);
    for (size_t i = 0; i < landed.size(); ++i) {
      EXPECT_EQ(std::stoul(landed[i].first), i) << "of partition " << partition;
      EXPECT_EQ(landed[i].second, i);
    }
  }
}

std::chrono::duration<double> processor_time() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return std::chrono::duration<double>(seconds(used.ru_utime) + seconds(used.ru_stime));
}

// The library's thread would poll all the while, had it the second parcel already.
TEST_F(KafkaProducerTest, SleepsWhileAnAnswerIsAwaited) {
  const auto producer = make_producer();
  must(producer->send(parcel({0}, 10)));
  reports_.wait_for(10);
  cluster_.answers_after(milliseconds(1'000));
  const auto before = processor_time();
  for (int i = 0; i < 3; ++i) {
    must(producer->send(parcel({0}, 100)));
    std::this_thread::sleep_for(milliseconds(50));  // the first is on its way
  }
  reports_.wait_for(310);
  EXPECT_LT(processor_time() - before, milliseconds(500)) << "of two seconds";
}

}  // namespace
}  // namespace tenure::test
