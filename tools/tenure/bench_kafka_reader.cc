#include "tools/tenure/bench_kafka_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "schemas/decision_generated.h"

namespace tenure {
namespace {

constexpr auto kRound = std::chrono::milliseconds(100);
constexpr auto kPatience = std::chrono::seconds(60);

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                               std::chrono::nanoseconds(1));
}

}  // namespace

// Ids count from 1 in their last group (bench_id).
std::optional<size_t> bench_number(std::string_view id) {
  constexpr size_t kDigits = 12;
  if (id.size() <= kDigits) return std::nullopt;
  size_t number = 0;
  const char* end = id.data() + id.size();
  const auto read = std::from_chars(end - kDigits, end, number, 16);
  if (read.ec != std::errc{} || read.ptr != end || number == 0) return std::nullopt;
  return number - 1;
}

Result<std::unique_ptr<DecisionReader>> DecisionReader::open(Source source, size_t commands) {
  auto consumer = TRY(KafkaConsumer::make(source.connection, source.topic));
  for (uint32_t partition = 0; partition < source.partitions; ++partition) {
    TRY(consumer->start({partition}, Offset{0}));
  }
  return std::unique_ptr<DecisionReader>(
      new DecisionReader(std::move(source), std::move(consumer), commands));
}

DecisionReader::DecisionReader(Source source, std::unique_ptr<KafkaConsumer> consumer,
                               size_t commands)
    : source_(std::move(source)),
      consumer_(std::move(consumer)),
      rules_(source_.partitions),
      read_at_ns_(commands),
      thread_([this] { run(); }) {}

DecisionReader::~DecisionReader() {
  ending_ = true;
  thread_.join();
  for (uint32_t partition = 0; partition < source_.partitions; ++partition) {
    consumer_->stop({partition});
  }
}

void DecisionReader::run() {
  while (!ending_) {
    if (!consumer_->poll(kRound, [this](const KafkaMessage& message) { take(message); })) continue;
    {
      const std::scoped_lock lock(mutex_);
      count_ = taken_;
      counts_ = taken_counts_;
      if (failure_) return moved_.notify_all();
    }
    moved_.notify_all();
  }
}

void DecisionReader::take(const KafkaMessage& message) {
  now_ns_ = now_ns();
  if (message.error && message.error->kind != ErrorKind::kCorrupt) return;
  const auto judged = message.error ? std::unexpected(*message.error) : judge(message);
  if (judged) return;
  const std::scoped_lock lock(mutex_);
  if (!failure_) failure_ = judged.error();
}

Result<void> DecisionReader::judge(const KafkaMessage& message) {
  if (source_.rule == Rule::kEveryRecord) return note(message.value);
  const ParsedRecord parsed = parse_record(message.value);
  const auto validity = TRY(rules_[message.partition.value].judge(
      {message.offset, parsed.prefix, parsed.status, parsed.payload}));
  return validity == Validity::kValid ? note(parsed.payload) : Result<void>{};
}

Result<void> DecisionReader::note(std::span<const std::byte> decision) {
  aligned_.clear();
  std::memcpy(aligned_.grow(decision.size()), decision.data(), decision.size());
  const auto* read = flatbuffers::GetRoot<schema::Decision>(aligned_.view().data());
  const auto number = bench_number(read->command_nested_root()->id()->string_view());
  if (!number || *number >= read_at_ns_.size()) return {};
  if (std::exchange(read_at_ns_[*number], now_ns_) != 0) {
    return fail(ErrorKind::kCorrupt, fmt::format("command {} was decided twice", *number));
  }
  ++taken_;
  taken_counts_.accepted += read->outcome() == schema::Outcome::accepted ? 1 : 0;
  taken_counts_.bytes += decision.size();
  return {};
}

Result<void> DecisionReader::wait_for(size_t count) {
  std::unique_lock lock(mutex_);
  while (count_ < count) {
    if (failure_) return std::unexpected(*failure_);
    const size_t before = count_;
    moved_.wait_for(lock, kPatience, [&] { return count_ != before || failure_; });
    if (count_ != before || failure_) continue;
    return fail(ErrorKind::kUnavailable,
                fmt::format("{} of {} decisions were read from {}, and no more come", count_, count,
                            source_.topic));
  }
  return {};
}

DecisionReader::Counts DecisionReader::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace tenure
