// Reads the decisions back from their topic, as a consumer that trusts nobody, on a thread of its
// own: which commands of the workload are decided, when each was read, and how.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/log/kafka_consumer.h"
#include "engine/log/log_reader.h"

namespace tenure {

class DecisionReader {
 public:
  // What counts as a decision of the topic.
  enum class Rule : uint8_t {
    kReadersRule,  // what the reader's rule finds valid, behind a record's prefix
    kEveryRecord,  // each committed one
  };
  struct Source {
    KafkaConnection connection;
    std::string topic;
    uint32_t partitions;
    Rule rule;
  };
  // For the commands 0 to `commands` - 1 of one workload, by the number in their ids.
  static Result<std::unique_ptr<DecisionReader>> open(Source source, size_t commands);
  ~DecisionReader();

  // Until so many commands have their decision. kCorrupt: one has two, or the reader's rule says
  // that something was lost; kUnavailable: none came for a minute.
  Result<void> wait_for(size_t count);

  // Of what wait_for() has seen.
  uint64_t read_at_ns(size_t command) const { return read_at_ns_[command]; }
  struct Counts {
    uint64_t accepted = 0, bytes = 0;
  };
  Counts counts() const;

 private:
  DecisionReader(Source source, std::unique_ptr<KafkaConsumer> consumer, size_t commands);
  void run();
  void take(const KafkaMessage& message);
  Result<void> judge(const KafkaMessage& message);
  Result<void> note(std::span<const std::byte> decision);

  const Source source_;
  const std::unique_ptr<KafkaConsumer> consumer_;
  std::vector<ReaderRule> rules_;  // by partition
  AlignedBytes aligned_;
  std::vector<uint64_t> read_at_ns_;  // by command; 0: not read
  uint64_t now_ns_ = 0;
  size_t taken_ = 0;
  Counts taken_counts_;

  mutable std::mutex mutex_;
  std::condition_variable moved_;
  size_t count_ = 0;
  Counts counts_;
  std::optional<Error> failure_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

// The number of a workload's command, by its id; nothing for one that is not of a workload.
std::optional<size_t> bench_number(std::string_view id);

}  // namespace tenure
