// Gathers checkpoints: which rows changed, and what they were when the checkpoint began.
//
// A checkpoint begins at a number. Every row changed before it is encoded as it was then, without
// stopping the partition: a few organizations at each step, and any organization right before its
// next change. It may be written once all decisions below its number are durable, so the store is
// never ahead of the log. One checkpoint at a time; changes go on into the next. One thread.
#pragma once

#include <memory>
#include <vector>

#include "engine/domain/evolve.h"
#include "engine/partition/organizations.h"
#include "engine/partition/state_store.h"

namespace tenure {

class Checkpointer {
 public:
  explicit Checkpointer(Organizations& organizations) : organizations_(organizations) {}

  // Before an accepted decision changes the organization.
  void before_change(OrganizationEntry& entry, const schema::Decision& decision);
  void add_id(Day day, UsedId id);

  // About how much the next checkpoint will write, in bytes.
  size_t pending_bytes() const { return pending_bytes_; }

  // Begins a checkpoint of the state as it is now, which `mark` describes.
  void begin(const CheckpointMark& mark, Day first_day);
  bool begun() const { return checkpoint_ != nullptr; }

  // Encodes some of what is left, about `bytes`; true when nothing is left.
  bool gather(size_t bytes);

  // The begun checkpoint, once all is gathered. It stays the same until it is written.
  std::shared_ptr<const Checkpoint> gathered() const { return checkpoint_; }
  void written();

  // The store has all of the entry, so it may be evicted.
  bool is_clean(const OrganizationEntry& entry) const {
    return entry.touched.empty() && entry.complete_in <= written_;
  }

 private:
  void encode(OrganizationEntry& entry);

  Organizations& organizations_;
  uint64_t current_ = 1;                     // the checkpoint that changes go into now
  uint64_t written_ = 0;                     // the last one in the store
  std::vector<OrganizationEntry*> touched_;  // in the current one
  std::map<Day, std::vector<UsedId>> ids_;
  size_t pending_bytes_ = 0;

  std::shared_ptr<Checkpoint> checkpoint_;  // the one begun, number current_ - 1
  std::vector<OrganizationEntry*> to_encode_;
};

}  // namespace tenure
