// Decisions read from the log, put together by organization.
//
// Organizations share no rows, so each one's decisions can be applied in one go: its rows are then
// at hand, and come out in the order of keys. One thread; clear() keeps the memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schemas/decision_generated.h"

namespace tenure {

class DecisionBatch {
 public:
  struct Record {
    uint64_t number;
    const schema::Decision* decision;
  };
  struct Run {
    std::string_view org;
    std::vector<Record> records;  // in the order of the log
  };

  // Copies the decision, which need not live longer than the call.
  void add(uint64_t number, std::span<const std::byte> payload);
  // Sorted by organization.
  std::span<const Run> runs();
  size_t decisions() const { return decisions_; }
  size_t bytes() const { return bytes_; }
  void clear();

 private:
  std::byte* take(size_t size);

  std::vector<std::unique_ptr<uint64_t[]>> blocks_;
  size_t blocks_used_ = 0;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
  std::unordered_map<std::string_view, uint32_t> run_of_;
  std::vector<Run> runs_;  // the first run_of_.size(); the others keep their memory
  size_t decisions_ = 0, bytes_ = 0;
};

}  // namespace tenure
