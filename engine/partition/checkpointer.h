// Gathers checkpoints: which rows changed since they were last written, as rows to write.
//
// A checkpoint begins at a position. Every organization that changed before it is encoded some time
// after, as it is then, a few at each step and the partition deciding on: each with the number of
// the first decision that it does not know (state_store.h). The checkpoint may be written once all
// that its organizations know is durable, so the store is never ahead of the log. One checkpoint at
// a time; what changes after it was encoded goes into the next. One thread.
#pragma once

#include <map>
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

  // Begins a checkpoint at mark.position, which is now; mark.last is not known yet. It is to be
  // gathered within `patience`.
  void begin(const CheckpointMark& mark, Day first_day, Time now, Duration patience);
  bool begun() const { return checkpoint_ != nullptr; }

  // Encodes some of what is left, as it is before decision `next`: the share of the patience that
  // is over, and about twice as much as changed since it began. So it is done long before the next
  // checkpoint, and deciding goes on at a steady pace meanwhile: encoded at once, a checkpoint of
  // 64 MB holds up what is decided by 100 ms and more. True when nothing is left. gather_all()
  // encodes all of it.
  bool gather(Number next, Time now);
  void gather_all(Number next);

  // All is gathered, and this is the last decision that it knows.
  void finish(const LastDecision& last);

  // The finished checkpoint. It stays the same until it is written.
  std::shared_ptr<const Checkpoint> finished() const { return checkpoint_; }
  void written();

  // The store has all of the entry, so it may be evicted.
  bool is_clean(const OrganizationEntry& entry) const {
    return entry.touched.empty() && entry.complete_in <= written_;
  }

 private:
  void encode(OrganizationEntry& entry, Number next);

  Organizations& organizations_;
  uint64_t current_ = 1;                     // the checkpoint that changes go into now
  uint64_t written_ = 0;                     // the last one in the store
  std::vector<OrganizationEntry*> touched_;  // in the current one
  std::map<Day, std::vector<UsedId>> ids_;
  size_t pending_bytes_ = 0;

  std::shared_ptr<Checkpoint> checkpoint_;  // the one begun, number current_ - 1
  std::shared_ptr<Checkpoint> spare_;       // the one before, for its memory; or null
  std::vector<OrganizationEntry*> to_encode_;
  Time begun_at_{};
  Duration patience_{};
  size_t to_gather_ = 0, gathered_ = 0;  // bytes, estimated
};

}  // namespace tenure
