// The state store in memory: as atomic as the real one, and with the faults that a test wants.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "engine/partition/state_store.h"

namespace tenure::test {

class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(uint8_t seed = 1) { now_.secret.fill(seed); }

  const StoreSecret& secret() const override { return now_.secret; }
  Result<std::optional<CheckpointMark>> mark() const override { return now_.mark; }
  Result<void> read_due(const std::function<void(DueEntry)>& visit) const override;
  Result<void> read_ids(
      const std::function<void(Day, std::span<const UsedId>)>& visit) const override;
  Result<void> reset() override;
  Result<void> read_rows(std::string_view org, const VisitRow& visit) const override;
  Result<void> write(const Checkpoint& checkpoint) override;
  void condemn() override { condemned_ = true; }

  // Faults.
  void fail_writes(std::optional<Error> error) { write_error_ = std::move(error); }
  // Each id is found at the decision of the next one too, as if their hashes were the same.
  void let_hashes_collide() { hashes_collide_ = true; }
  void lose_last_checkpoint() { now_ = before_; }  // as a crash right before it
  void change_mark(const std::function<void(CheckpointMark&)>& change) { change(*now_.mark); }
  void damage_rows_of(std::string_view org);

  bool condemned() const { return condemned_; }
  size_t resets() const { return resets_; }
  size_t rows() const { return now_.rows.size(); }

 private:
  struct Content {
    StoreSecret secret{};
    std::optional<CheckpointMark> mark;
    std::map<std::string, std::string> rows;
    std::set<DueEntry> due;
    std::map<Day, std::vector<UsedId>> ids;
  };

  Content now_, before_;
  std::optional<Error> write_error_;
  bool condemned_ = false;
  bool hashes_collide_ = false;
  size_t resets_ = 0;
};

}  // namespace tenure::test
