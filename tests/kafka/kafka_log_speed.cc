// How fast the log over Kafka takes decisions, beside the bare producer sending the same bytes to
// the same broker in the same run. Prints; fails only if a batch does.
//   kafka_log_speed [records of the bulk runs]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>

#include "tests/kafka/kafka_fixture.h"

namespace tenure::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPayload = 300;
constexpr uint32_t kBatch = 2800;  // about 1 MiB
constexpr size_t kAhead = 2;       // batches in flight, as a partition has

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Counts what is in flight.
class Gate {
 public:
  void enter(size_t most) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ < most; });
    ++inside_;
  }
  void leave() {
    {
      const std::scoped_lock lock(mutex_);
      --inside_;
    }
    changed_.notify_all();
  }
  void wait_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t inside_ = 0;
};

struct BareParcel final : KafkaParcel {
  explicit BareParcel(Gate& at) : gate(at) {}
  void reported(Bytes, Result<Offset> offset) override {
    must(std::move(offset));
    if (++count == records.size()) gate.leave();
  }
  Gate& gate;
  size_t count = 0;
};

double bare_producer(uint64_t records) {
  KafkaFixture kafka;
  auto producer = must(KafkaProducer::make(connection(), kafka.topic(),
                                           {.each_round = [] {}, .on_fatal = [](const Error&) {}}));
  Gate gate;
  Session session{Stamp{1}, Number{0}};
  const auto start = Clock::now();
  while (session.next.value < records) {
    auto parcel = std::make_shared<BareParcel>(gate);
    parcel->partition = kPartition;
    parcel->bytes = make_batch(session, kBatch, kPayload).bytes;
    const size_t size = parcel->bytes.size() / kBatch;
    for (uint32_t i = 0; i < kBatch; ++i) {
      parcel->records.push_back(parcel->bytes.view().subspan(i * size, kPrefixSize + kPayload));
    }
    gate.enter(kAhead);
    must(producer->send(std::move(parcel)));
  }
  gate.wait_empty();
  return static_cast<double>(session.next.value) / seconds_since(start);
}

void bulk(uint64_t records) {
  KafkaFixture kafka;
  KafkaLogOptions options = kafka.options();
  options.mirror.segment_bytes = 64u << 20;
  const auto log = must(KafkaLog::open(options));
  Gate gate;
  auto start = Clock::now();
  Session session = must(log->open_writer(kPartition, kWriter));
  fmt::print("first claim                    {:9.1f} ms\n", seconds_since(start) * 1e3);
  start = Clock::now();
  must(log->open_writer(PartitionId{1}, kWriter));
  fmt::print("another partition's claim      {:9.1f} ms\n", seconds_since(start) * 1e3);
  start = Clock::now();
  while (session.next.value < records) {
    gate.enter(kAhead);
    log->append(kPartition, make_batch(session, kBatch, kPayload), [&](Result<void> result) {
      must(std::move(result));
      gate.leave();
    });
  }
  gate.wait_empty();
  const double count = static_cast<double>(session.next.value);
  fmt::print("log, acknowledged              {:9.0f} records/s\n", count / seconds_since(start));
  must(must(log->read(kPartition, log->durable_end(kPartition)))->next());
  fmt::print("log, mirrored                  {:9.0f} records/s\n", count / seconds_since(start));
  options.mirror.directory += "-second";
  start = Clock::now();
  const auto second = must(KafkaLog::open(options));
  must(must(second->read(kPartition, second->durable_end(kPartition)))->next());
  fmt::print("a new mirror of it             {:9.0f} records/s\n", count / seconds_since(start));
}

void one_at_a_time(int rounds) {
  KafkaFixture kafka;
  const auto log = kafka.open();
  Session session = must(log->open_writer(kPartition, kWriter));
  LogReader reader(must(log->read(kPartition, Offset{0})), {});
  std::vector<double> answered, read;
  Gate gate;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    gate.enter(1);
    log->append(kPartition, make_batch(session, 1, kPayload), [&](Result<void> result) {
      must(std::move(result));
      gate.leave();
    });
    gate.wait_empty();
    answered.push_back(seconds_since(start) * 1e3);
    must(reader.next());
    read.push_back(seconds_since(start) * 1e3);
  }
  for (auto* times : {&answered, &read}) {
    std::ranges::sort(*times);
    fmt::print("one at a time, {}        p50 {:.2f} ms, p99 {:.2f} ms\n",
               times == &answered ? "answered" : "readable", (*times)[times->size() / 2],
               (*times)[times->size() * 99 / 100]);
  }
}

void run(uint64_t records) {
  fmt::print("bare producer                  {:9.0f} records/s\n", bare_producer(records));
  bulk(records);
  one_at_a_time(500);
}

}  // namespace
}  // namespace tenure::test

int main(int count, char** arguments) {
  tenure::test::run(count > 1 ? std::stoull(arguments[1]) : 50'000);
}
