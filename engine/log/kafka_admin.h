// Makes, removes and describes topics. One thread; every call waits for the cluster, for a bounded
// time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

namespace tenure {

// What a topic is to be, or is.
struct KafkaTopic {
  std::string name;
  uint32_t partitions = 1;
  uint32_t replication = 1;
  std::map<std::string, std::string> settings;
};

class KafkaAdmin {
 public:
  // Does not connect yet. kInvalid: a property is wrong.
  static Result<KafkaAdmin> make(KafkaConnection connection);
  KafkaAdmin(KafkaAdmin&&) noexcept;
  KafkaAdmin& operator=(KafkaAdmin&&) noexcept;
  ~KafkaAdmin();

  // Returns when a broker knows of it. kConflict: it exists. kInvalid: the cluster cannot or may
  // not. kUnavailable: no answer.
  Result<void> create(const KafkaTopic& topic);
  // With all that it holds. kNotFound, kInvalid, kUnavailable.
  Result<void> remove(const std::string& name);
  // Nothing if there is no such topic; all its settings, and the smallest replication of its
  // partitions.
  Result<std::optional<KafkaTopic>> describe(const std::string& name);

 private:
  struct Impl;
  explicit KafkaAdmin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
