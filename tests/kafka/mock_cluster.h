// librdkafka's own mock cluster, of one broker: it stands in for a real one where a test needs to
// say what the broker answers, and when.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/log/kafka_connection.h"

namespace tenure::test {

class MockCluster {
 public:
  MockCluster(const std::string& topic, int partitions);
  ~MockCluster();

  KafkaConnection connection() const;
  // The next so many requests of a kind (the protocol's number) are answered by this error of the
  // library.
  void answers(int16_t kind, int code, size_t times);
  void answers_after(std::chrono::milliseconds time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure::test
