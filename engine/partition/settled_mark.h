// How far the commands that a partition reads from somewhere (Kafka's commands partition) are dealt
// with: the settled mark that every record carries, from which the next owner reads on.
//
// Sources come rising, with gaps, and are settled in any order. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>

namespace tenure {

class SettledMark {
 public:
  void add(uint64_t source) {
    unsettled_.insert(source);
    next_ = std::max(next_, source + 1);
  }
  // Decided, or found to be a retry. Sources that were never added count for nothing.
  void settle(uint64_t source) { unsettled_.erase(source); }
  // What a record says that somebody else wrote.
  void raise(uint64_t mark) { next_ = std::max(next_, mark); }
  // Forgets what was not settled: it will be read again.
  void drop_unsettled() {
    next_ = mark();
    unsettled_.clear();
  }

  // Everything below it is settled.
  uint64_t mark() const {
    return unsettled_.empty() ? next_ : std::min(next_, *unsettled_.begin());
  }

 private:
  uint64_t next_ = 0;  // one past the highest
  std::set<uint64_t> unsettled_;
};

}  // namespace tenure
