#include "tools/server/applied_waiters.h"

#include <algorithm>

namespace tenure {

bool AppliedWaiters::wait(Number number, Deadline deadline, Done done) {
  bool applied = false;
  {
    std::lock_guard lock(mutex_);
    applied = number < next_;
    if (!applied && !given_up_) {
      waiters_.emplace(number, Waiter{deadline, std::move(done)});
      return true;
    }
  }
  done(applied);
  return false;
}

void AppliedWaiters::advance(Number next) {
  std::vector<Done> reached;
  {
    std::lock_guard lock(mutex_);
    next_ = next;
    auto end = waiters_.lower_bound(next);
    for (auto each = waiters_.begin(); each != end; ++each) {
      reached.push_back(std::move(each->second.done));
    }
    waiters_.erase(waiters_.begin(), end);
  }
  for (const Done& done : reached) done(true);
}

void AppliedWaiters::expire(Deadline now) {
  std::vector<Done> late;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(waiters_, [&](auto& each) {
      if (each.second.deadline > now) return false;
      late.push_back(std::move(each.second.done));
      return true;
    });
  }
  for (const Done& done : late) done(false);
}

void AppliedWaiters::give_up() {
  {
    std::lock_guard lock(mutex_);
    given_up_ = true;
  }
  expire(Deadline::max());
}

bool AppliedWaiters::any() const {
  std::lock_guard lock(mutex_);
  return !waiters_.empty();
}

Number AppliedWaiters::applied() const {
  std::lock_guard lock(mutex_);
  return next_;
}

std::optional<AppliedWaiters::Deadline> AppliedWaiters::next_deadline() const {
  std::lock_guard lock(mutex_);
  std::optional<Deadline> next;
  for (const auto& [number, waiter] : waiters_) {
    next = std::min(next.value_or(waiter.deadline), waiter.deadline);
  }
  return next;
}

}  // namespace tenure
