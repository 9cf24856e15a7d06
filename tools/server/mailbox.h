// What other threads hand to the engine thread: commands, and jobs of the partition.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/partition/answer.h"
#include "engine/partition/command_bytes.h"

namespace tenure {

struct Submission {
  CommandBytes command;
  Reply reply;
  PartitionId partition = {};
  std::optional<uint64_t> source = {};  // Partition::submit
};

// Any thread puts, one takes. It is woken only when it sleeps: under load a hand-over is a lock and
// a move. It looks for a moment before it sleeps: a client that was just answered often asks again
// sooner than a thread wakes up.
class Mailbox {
 public:
  struct Content {
    std::vector<Submission> commands;
    std::vector<std::function<void()>> jobs;
    bool closing = false;
    void clear() {
      commands.clear();
      jobs.clear();
    }
  };

  // False: closed, the commands are still the caller's.
  bool put(std::span<Submission> commands) {
    std::lock_guard lock(mutex_);
    if (content_.closing) return false;
    std::ranges::move(commands, std::back_inserter(content_.commands));
    submitted_ += commands.size();
    wake();
    return true;
  }
  void post(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    content_.jobs.push_back(std::move(job));
    wake();
  }
  // Has take() return, once.
  void nudge() {
    std::lock_guard lock(mutex_);
    nudged_ = true;
    wake();
  }
  void close() {
    std::lock_guard lock(mutex_);
    content_.closing = true;
    wake();
  }

  // Swaps what came into `out`, which must be empty; first sleeps at most `patience` for something
  // to come.
  void take(std::chrono::microseconds patience, Content& out) {
    if (patience.count() > 0) look_for_a_moment();
    std::unique_lock lock(mutex_);
    if (patience.count() > 0 && is_empty() && !nudged_) {
      sleeping_ = true;
      ready_.wait_for(lock, patience,
                      [this] { return !is_empty() || content_.closing || nudged_; });
      sleeping_ = false;
    }
    out.commands.swap(content_.commands);
    out.jobs.swap(content_.jobs);
    out.closing = content_.closing;
    nudged_ = false;
    something_.store(false, std::memory_order_relaxed);
  }

  uint64_t submitted() const {
    std::lock_guard lock(mutex_);
    return submitted_;
  }
  size_t waiting() const {
    std::lock_guard lock(mutex_);
    return content_.commands.size();
  }

 private:
  static constexpr std::chrono::microseconds kMoment{20};

  bool is_empty() const { return content_.commands.empty() && content_.jobs.empty(); }
  void look_for_a_moment() const {
    const auto end = std::chrono::steady_clock::now() + kMoment;
    while (!something_.load(std::memory_order_relaxed)) {
      for (int i = 0; i < 16; ++i) __builtin_ia32_pause();
      if (std::chrono::steady_clock::now() >= end) return;
    }
  }
  void wake() {
    something_.store(true, std::memory_order_relaxed);
    if (sleeping_) ready_.notify_one();
  }

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  Content content_;
  uint64_t submitted_ = 0;
  bool sleeping_ = false, nudged_ = false;
  std::atomic<bool> something_ = false;  // a hint that take() need not wait
};

}  // namespace tenure
