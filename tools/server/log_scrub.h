// Reads the sealed segments of the log slowly, again and again, and verifies every byte of them: a
// start looks at their ends alone, and what nobody reads rots unseen.
//
// A thread of its own. Damage is in the log of the process, in the metrics, and makes it not ready;
// it goes on all the same, as what is decided does not depend on old segments. Looked at twice
// before it is said, since the log is written meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "engine/log/file_system.h"
#include "tools/server/trouble.h"

namespace tenure {

struct LogScrubOptions {
  uint64_t bytes_per_second = 0;  // on average; 0: no scrub
  std::chrono::seconds between_passes{3600};
};

class LogScrub {
 public:
  // `files` outlives it.
  LogScrub(FileSystem& files, std::string log_directory, LogScrubOptions options);
  ~LogScrub();  // stop()

  // Ends the thread, within one segment; the figures stay.
  void stop();

  std::string damage() const { return damage_.now(); }  // with segment and byte; empty: none found
  uint64_t passes() const { return passes_; }           // over all that was sealed when they began
  uint64_t segments() const { return segments_; }       // verified, counted each time

 private:
  void run(const std::stop_token& stop);
  Result<void> pass(const std::stop_token& stop);
  // False if it was told to stop.
  bool pause(const std::stop_token& stop, std::chrono::duration<double> time);

  FileSystem& files_;
  const std::string directory_;
  const LogScrubOptions options_;
  Trouble damage_{"log_damaged"};
  std::atomic<uint64_t> passes_ = 0, segments_ = 0;
  std::mutex mutex_;
  std::condition_variable_any wakes_;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace tenure
