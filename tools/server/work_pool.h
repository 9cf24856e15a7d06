// A few threads for work that may take its time: reads of many rows, of the past, of the log. The
// HTTP thread stays free for what is quick.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tenure {

class WorkPool {
 public:
  WorkPool(size_t threads, size_t max_waiting);
  ~WorkPool();  // finishes what waits

  // False if too much is waiting already; `task` is then dropped. Any thread.
  [[nodiscard]] bool submit(std::function<void()> task);

 private:
  void run();

  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tenure
