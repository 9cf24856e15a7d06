// Decisions read from the log, put together by organization.
//
// Organizations share no rows, so each one's decisions can be applied in one go: its rows are then
// at hand, and come out in the order of keys. One thread at a time; once put together, several may
// read. clear() keeps the memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/arena.h"
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
    std::span<const Record> records;  // in the order of the log; beside those of the next run
  };

  // Copies the decision, which need not live longer than the call.
  void add(uint64_t number, std::span<const std::byte> payload);
  // After the last one was added.
  void put_together();
  // Sorted by organization.
  std::span<const Run> runs() const { return runs_; }
  // Fetches a decision some records behind this one into the cache: they lie all over the memory.
  void fetch_ahead_of(const Record& record) const;

  size_t decisions() const { return added_.size(); }
  size_t bytes() const { return payloads_.bytes(); }
  void clear();

 private:
  struct Organization {
    uint64_t hash;
    std::string id;
    size_t decisions, begin;  // how many, and where they begin in records_
  };
  struct Added {
    Record record;
    uint32_t organization;  // its index
  };

  uint32_t index_of(std::string_view org);
  void grow();

  Arena payloads_;
  std::vector<Organization> organizations_;  // the first used_; the others keep their memory
  size_t used_ = 0;
  std::vector<uint32_t> table_;  // open addressing: index + 1 into organizations_
  std::vector<Added> added_;
  std::vector<Record> records_;  // by organization
  std::vector<Run> runs_;
};

}  // namespace tenure
