// Who waits for the read models to reach a decision: reads with an `at_least` token.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/base/ids.h"

namespace tenure {

// Any thread. `done` is called exactly once, outside the lock.
class AppliedWaiters {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using Done = std::function<void(bool)>;

  // Calls `done(true)` at once if `number` is applied. True if it has to wait.
  bool wait(Number number, Deadline deadline, Done done);
  // Decisions below `next` are applied.
  void advance(Number next);
  // Tells those whose deadline has passed that it did.
  void expire(Deadline now);
  // Tells all that it will not happen, now and later.
  void give_up();

  bool any() const;        // whether anybody waits
  Number applied() const;  // decisions below it are applied
  std::optional<Deadline> next_deadline() const;

 private:
  struct Waiter {
    Deadline deadline;
    Done done;
  };

  mutable std::mutex mutex_;
  Number next_;
  bool given_up_ = false;
  std::multimap<Number, Waiter> waiters_;
};

}  // namespace tenure
