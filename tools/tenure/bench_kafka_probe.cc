#include "tools/tenure/bench_kafka_probe.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

#include "engine/log/kafka_consumer.h"
#include "engine/log/kafka_producer.h"
#include "schemas/decision_generated.h"
#include "tools/tenure/bench_kafka_reader.h"

namespace tenure {
namespace {

using Steady = std::chrono::steady_clock;

constexpr size_t kParcelBytes = 1u << 20;  // as a partition's batch
constexpr size_t kAhead = 2;               // of each partition, as a partition has
constexpr size_t kRuns = 5;  // of which the median counts: it takes less than a second
constexpr auto kPatience = std::chrono::seconds(60);

// How many parcels are on their way, by partition, and whether one failed.
struct Progress {
  std::mutex mutex;
  std::condition_variable moved;
  std::vector<size_t> under_way;
  size_t records = 0;
  std::optional<Error> failure;
};

struct Parcel final : KafkaParcel {
  explicit Parcel(Progress& to) : progress(to) {}
  void reported(std::span<const std::byte>, Result<Offset> offset) override {
    const bool last = ++reports == records.size();
    if (offset && !last) return;
    const std::scoped_lock lock(progress.mutex);
    if (!offset) progress.failure = offset.error();
    if (last) {
      progress.records += records.size();
      --progress.under_way[partition.value];
    }
    progress.moved.notify_one();
  }
  Progress& progress;
  size_t reports = 0;
};
using Parcels = std::deque<std::shared_ptr<Parcel>>;

bool is_wanted(const ProducerProbe& probe, std::span<const std::byte> value) {
  const ParsedRecord parsed = parse_record(value, RecordCrc::kSkip);
  if (parsed.status != RecordStatus::kOk || parsed.prefix.kind != RecordKind::kDecision) {
    return false;
  }
  AlignedBytes aligned;
  std::memcpy(aligned.grow(parsed.payload.size()), parsed.payload.data(), parsed.payload.size());
  const auto* decision = flatbuffers::GetRoot<schema::Decision>(aligned.view().data());
  const auto number = bench_number(decision->command_nested_root()->id()->string_view());
  return number && *number >= probe.begin && *number < probe.end;
}

// By partition, in their order.
Result<std::vector<Parcels>> read_parcels(const ProducerProbe& probe, Progress& progress) {
  auto consumer = TRY(KafkaConsumer::make(probe.connection, probe.from));
  for (uint32_t partition = 0; partition < probe.partitions; ++partition) {
    TRY(consumer->start({partition}, Offset{0}));
  }
  std::vector<Parcels> parcels(probe.partitions);
  size_t left = probe.end - probe.begin;
  const auto take = [&](const KafkaMessage& message) {
    if (message.error || left == 0 || !is_wanted(probe, message.value)) return;
    Parcels& own = parcels[message.partition.value];
    if (own.empty() || own.back()->bytes.size() + message.value.size() > kParcelBytes) {
      own.push_back(std::make_shared<Parcel>(progress));
      own.back()->partition = message.partition;
      own.back()->bytes.reserve(kParcelBytes);
    }
    std::byte* bytes = own.back()->bytes.grow(message.value.size());
    std::memcpy(bytes, message.value.data(), message.value.size());
    own.back()->records.emplace_back(bytes, message.value.size());
    --left;
  };
  const auto deadline = Steady::now() + kPatience;
  while (left > 0 && Steady::now() < deadline) {
    consumer->poll(std::chrono::milliseconds(100), take);
  }
  for (uint32_t partition = 0; partition < probe.partitions; ++partition) {
    consumer->stop({partition});
  }
  if (left == 0) return parcels;
  return fail(ErrorKind::kUnavailable, "the decisions could not be read again from " + probe.from);
}

Result<void> send_all(KafkaProducer& producer, std::vector<Parcels>& parcels, Progress& progress,
                      size_t records) {
  std::unique_lock lock(progress.mutex);
  while (progress.records < records && !progress.failure) {
    bool sent = false;
    for (uint32_t partition = 0; partition < parcels.size(); ++partition) {
      Parcels& own = parcels[partition];
      if (own.empty() || progress.under_way[partition] >= kAhead) continue;
      ++progress.under_way[partition];
      lock.unlock();
      TRY(producer.send(std::move(own.front())));
      lock.lock();
      own.pop_front();
      sent = true;
    }
    if (sent) continue;
    if (progress.moved.wait_for(lock, kPatience) == std::cv_status::timeout) {
      return fail(ErrorKind::kUnavailable, "records of the bare producer are not acknowledged");
    }
  }
  if (progress.failure) return std::unexpected(*progress.failure);
  return {};
}

Result<double> records_per_second(const ProducerProbe& probe, KafkaProducer& producer) {
  Progress progress;
  progress.under_way.resize(probe.partitions);
  auto parcels = TRY(read_parcels(probe, progress));
  const size_t records = probe.end - probe.begin;
  const auto start = Steady::now();
  TRY(send_all(producer, parcels, progress, records));
  return static_cast<double>(records) /
         std::chrono::duration<double>(Steady::now() - start).count();
}

}  // namespace

Result<double> probe_producer(const ProducerProbe& probe) {
  const auto producer = TRY(KafkaProducer::make(
      probe.connection, probe.to, {.each_round = [] {}, .on_fatal = [](const Error&) {}}));
  std::array<double, kRuns> runs{};
  for (double& run : runs) run = TRY(records_per_second(probe, *producer));
  std::ranges::sort(runs);
  return runs[kRuns / 2];
}

}  // namespace tenure
