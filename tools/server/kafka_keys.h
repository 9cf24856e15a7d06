// The keys of persons in the compacted topic `<prefix>.keys`, which every process of a log over
// Kafka reads whole and follows.
//
//   keys_of(), any thread --> keys topic --> own thread --> everybody's table
//
//   record key   := subject "/" random:16 hex digits        no two records share one, so compaction
//   record value := format:u8 (1) key:u8[32], or none           keeps the order of those that live
//
//   record key   := "erasures/" partition                       how far a partition's erasures were
//   record value := format:u8 (1) log:u8[16] next:u64           carried out (ErasureMark)
//
// A subject's key is the first of its records that has a value. Processes that make a key for the
// same person at once may both write one; having read their own, both know the same first one and
// use it, and who was second takes its own back. Destroying a key writes its record without value.
// What has another form is not ours and counts for nothing; a newer format ends the process.
//
// The bytes of a destroyed key stay in the brokers' files until they compact them: within a day, by
// the topic's settings.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "engine/log/kafka_connection.h"
#include "engine/personal/person_keys.h"

namespace tenure {

struct KafkaKeysOptions {
  KafkaConnection connection;
  std::string prefix = "tenure";              // of the topics
  std::chrono::milliseconds patience{8'000};  // of one call; less than who waits for an answer has
  std::function<void(const Error&)> on_error = [](const Error&) {};  // it goes on by itself
  // Any thread: keys cannot be read any more. The process has to start anew.
  std::function<void(const Error&)> on_failure = [](const Error&) {};
};

class KafkaKeys final : public PersonKeys {
 public:
  // Returns with all keys that there are. kNotFound: there is no topic; kUnsupported: written by a
  // newer Tenure; kUnavailable.
  static Result<std::unique_ptr<KafkaKeys>> open(KafkaKeysOptions options);
  // The keys as they are now, for finding alone: writes nothing and needs no right to. Errors as
  // open().
  static Result<std::unique_ptr<const PersonKeys>> open_to_read(KafkaKeysOptions options);
  ~KafkaKeys() override;

  // kUnavailable: the brokers did not take the new key, or not in time.
  Result<std::vector<PersonKey>> keys_of(std::span<const std::string_view> subjects) override;
  // As this process has read the topic: a key that another made a moment ago may be missing.
  std::optional<PersonKey> find(std::string_view subject) const override;
  Result<void> catch_up() override;
  Result<void> destroy(std::string_view subject, const PersonKeyName& name) override;
  ErasureMark erasure_mark(PartitionId partition) const override;
  Result<void> mark_erasures(PartitionId partition, const ErasureMark& mark) override;

 private:
  struct Impl;
  explicit KafkaKeys(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
