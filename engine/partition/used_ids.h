// Which command ids were used: from (organization, actor, id) to the number of the decision that
// the command left, in buckets of one day of partition time.
//
// It finds candidates by a keyed hash; the decision in the log says whether it is the same id and
// the same command (same_request.h), so no hash is ever trusted with an answer and nothing of the
// payload is kept here. All ids of the window are in memory (8 to 16 bytes each), which bounds what
// a look-up costs: a cache line a day. A bucket goes whole once its last moment is older than the
// window. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/partition/hash_index.h"

namespace tenure {

// Days since 1970, UTC.
using Day = int32_t;
Day day_of(Time time);

struct UsedId {
  uint64_t hash;
  Number number;
};

class UsedIds {
 public:
  UsedIds(Duration window, uint64_t max_ids) : window_(window), max_ids_(max_ids) {}

  // Decisions are added in the order of their numbers, so days never go back.
  void add(Day day, UsedId id);
  // The same for many, several times faster: each waits for memory, and these wait together.
  void add_all(Day day, std::span<const UsedId> ids);

  void prefetch(uint64_t hash) const;
  // Appends the decisions that may be the id's, newest first. Most often none.
  void find(uint64_t hash, std::vector<Number>& candidates) const;

  // No room for the id of decision `next`: the window is never shortened, new commands have to
  // wait.
  bool full(Number next) const;

  // Drops what is older than the window at `now`.
  void forget(Time now);
  // The first day that is still kept at `now`.
  Day first_day(Time now) const;

  uint64_t size() const { return size_; }

 private:
  struct Bucket {
    Day day;
    Number first;
    HashIndex index;  // values: number - first
  };

  Bucket& bucket_of(Day day, Number first);

  Duration window_;
  uint64_t max_ids_;
  std::deque<Bucket> buckets_;  // oldest first
  uint64_t size_ = 0;
};

}  // namespace tenure
