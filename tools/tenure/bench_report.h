// What every `tenure bench NAME` prints: one row for people, one object for `--json`, with the raw
// probe of the same run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tools/tenure/kafka_flags.h"

namespace tenure {

// Latencies in nanoseconds, sorted in place.
struct Latencies {
  double p50_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
  static Latencies of(std::span<uint64_t> nanoseconds);
};

// What is the same for every bench.
struct BenchOptions {
  std::string directory;  // not there yet; on the disk to measure
  uint32_t organizations = 10'000;
  size_t commands = 2'000'000;  // of a run with many in flight
  bool json = false;
  KafkaFlags kafka;  // the cluster to measure at, and what the topics to be made are called
};

struct BenchRow {
  std::string bench;  // "embedded/8192"
  double per_s = 0;
  std::string probe;  // what the raw limit is; empty: none was measured
  double probe_per_s = 0;
  Latencies latencies;
  std::vector<std::pair<std::string, double>> more;  // further figures, by name
};

// Prints the row; `json`: as one object a line. ratio = per_s / probe_per_s.
void print_bench_row(const BenchRow& row, bool json);

}  // namespace tenure
