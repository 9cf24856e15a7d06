#include "tools/server/work_pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <iterator>

#include "engine/base/thread_name.h"

namespace tenure {
namespace {

// A tenth of what another thread gets, if both want all of one processor.
constexpr int kLowNice = 10;

}  // namespace

WorkPool::WorkPool(size_t threads, size_t max_waiting, Priority priority)
    : max_waiting_(max_waiting) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this, priority] { run(priority); });
}

WorkPool::~WorkPool() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkPool::submit(Task task, Task instead) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_ || stop_.stop_requested()) return false;
    waiting_.push_back({std::move(task), std::move(instead)});
  }
  ready_.notify_one();
  return true;
}

void WorkPool::stop() {
  std::vector<Waiting> dropped;
  {
    std::lock_guard lock(mutex_);
    stop_.request_stop();
    auto to_finish = std::ranges::stable_partition(
        waiting_, [](const Waiting& each) { return each.instead == nullptr; });
    std::ranges::move(to_finish, std::back_inserter(dropped));
    waiting_.erase(to_finish.begin(), to_finish.end());
  }
  ready_.notify_all();
  for (Waiting& each : dropped) each.instead();
}

void WorkPool::run(Priority priority) {
  name_this_thread(priority == Priority::kLow ? "tenure-backgr" : "tenure-work");
  // Of this thread alone (setpriority(2), "C library/kernel differences"). It is a wish.
  if (priority == Priority::kLow) (void)::setpriority(PRIO_PROCESS, 0, kLowNice);
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stop_.stop_requested() || !waiting_.empty(); });
      if (waiting_.empty()) return;
      task = std::move(waiting_.front().task);
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace tenure
