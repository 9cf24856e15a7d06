// The organizations in memory: found by a keyed hash of their id, and evicted when they are clean
// and unused (a clock hand that gives each a second chance). One thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"
#include "engine/partition/answer.h"
#include "engine/partition/command_bytes.h"
#include "engine/partition/hash_index.h"
#include "engine/partition/state_rows.h"

namespace tenure {

// A command on its way to its decision.
struct QueuedCommand {
  CommandBytes command;
  Reply reply;
  uint64_t id_hash, org_hash;
  std::optional<uint64_t> source;  // partition.h, submit()
  // Decisions from this number on were looked at and are of other ids.
  Number other_ids_from{~uint64_t{0}};
};

// An organization in memory, or one that is being loaded, or one that is known not to exist.
struct OrganizationEntry {
  Organization organization;  // of its id alone, unless `exists`
  uint64_t hash = 0;
  bool exists = false;
  bool waiting = false;  // for the store or the log; its commands wait in `parked`, in order
  bool used = true;      // since the eviction hand passed
  size_t memory = 0;     // as counted when it was loaded or last checkpointed
  std::deque<QueuedCommand> parked;

  // For checkpoints (checkpointer.h).
  TouchedRows touched;
  uint64_t touched_in = 0;         // the checkpoint that `touched` goes into
  uint64_t complete_in = 0;        // the store has all of it once this checkpoint is written
  Number known{};                  // as loaded: the first decision that is not in it yet
  std::optional<Time> due;         // its entry in the due index
  std::optional<Time> stored_due;  // its entry in the due index of the store
};

class Organizations {
 public:
  OrganizationEntry* find(uint64_t hash, std::string_view org) const;
  OrganizationEntry& add(uint64_t hash, std::string_view org);  // must not be there
  void prefetch(uint64_t hash) const { index_.prefetch(hash); }

  // Call these when an entry begins to exist, and when its size was counted anew.
  void count_existing() { existing_++; }
  void count_memory(OrganizationEntry& entry);

  size_t existing() const { return existing_; }  // in memory
  size_t memory() const { return memory_; }

  // Evicts what `may_go(entry)` and was not used lately until `memory_limit` is met, looking at
  // `tries` entries at most.
  template <class MayGo>
  void evict(size_t memory_limit, size_t tries, MayGo&& may_go) {
    for (; memory_ > memory_limit && tries > 0 && !entries_.empty(); tries--) {
      hand_ = hand_ + 1 < entries_.size() ? hand_ + 1 : 0;
      OrganizationEntry* entry = entries_[hand_].get();
      if (entry == nullptr || !may_go(*entry)) continue;
      if (!std::exchange(entry->used, false)) remove(hand_);
    }
  }

  template <class Visit>
  void for_each(Visit&& visit) {
    for (const auto& entry : entries_) {
      if (entry != nullptr) visit(*entry);
    }
  }

 private:
  void remove(size_t place);

  std::vector<std::unique_ptr<OrganizationEntry>> entries_;  // null: a free place
  std::vector<uint32_t> free_places_;
  HashIndex index_;  // values: places in entries_
  size_t hand_ = 0, existing_ = 0, memory_ = 0;
};

}  // namespace tenure
