// The topics of a bench over Kafka.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "engine/log/kafka_admin.h"

namespace tenure {

// They live as long as this does. One thread.
class BenchTopics {
 public:
  explicit BenchTopics(KafkaAdmin admin) : admin_(std::move(admin)) {}
  ~BenchTopics() {
    for (const std::string& name : made_) std::ignore = admin_.remove(name);
  }
  Result<void> create(const KafkaTopic& topic) {
    TRY(admin_.create(topic));
    made_.push_back(topic.name);
    return {};
  }

 private:
  KafkaAdmin admin_;
  std::vector<std::string> made_;
};

}  // namespace tenure
