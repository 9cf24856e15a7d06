// A few threads for work that may take its time: reads of many rows, of the past, of the log. The
// HTTP threads stay free for what is quick.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace tenure {

class WorkPool {
 public:
  using Task = std::function<void()>;

  // Whether its threads get a processor before others of the process, or when those leave one.
  enum class Priority : uint8_t { kUsual, kLow };

  WorkPool(size_t threads, size_t max_waiting, Priority priority = Priority::kUsual);
  ~WorkPool();  // stop(), then waits for what has to be finished

  // False if too much is waiting already, or after stop(): both functions are then dropped. If the
  // pool stops before the task ran, `instead` is called in its place; a task without one runs all
  // the same. Any thread.
  [[nodiscard]] bool submit(Task task, Task instead = {});

  // Takes no more, calls `instead` for what waits and asks what runs to end early. Any thread.
  void stop();
  // What runs may look here whether it still should.
  std::stop_token stopping() const { return stop_.get_token(); }

 private:
  struct Waiting {
    Task task, instead;
  };
  void run(Priority priority);

  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Waiting> waiting_;
  std::stop_source stop_;
  std::vector<std::thread> threads_;
};

}  // namespace tenure
