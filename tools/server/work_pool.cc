#include "tools/server/work_pool.h"

#include <algorithm>
#include <iterator>

#include "engine/base/thread_name.h"

namespace tenure {

WorkPool::WorkPool(size_t threads, size_t max_waiting) : max_waiting_(max_waiting) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
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

void WorkPool::run() {
  name_this_thread("tenure-work");
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
