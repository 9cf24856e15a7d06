// What a producer alone does with the same bytes: the records of decisions already in a log, sent
// to a topic of their own by the log's own producer with the log's own settings, and nothing else.
#pragma once

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

namespace tenure {

struct ProducerProbe {
  KafkaConnection connection;
  std::string from, to;  // topics with the same partitions
  uint32_t partitions;
  size_t begin, end;  // commands whose decisions are sent (bench_number)
};

// Acknowledged records a second, the median of several runs. kUnavailable: not all were.
Result<double> probe_producer(const ProducerProbe& probe);

}  // namespace tenure
