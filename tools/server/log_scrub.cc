#include "tools/server/log_scrub.h"

#include <spdlog/spdlog.h>

#include "engine/base/thread_name.h"
#include "engine/log/segment_check.h"

namespace tenure {

LogScrub::LogScrub(FileSystem& files, std::string log_directory, LogScrubOptions options)
    : files_(files), directory_(std::move(log_directory)), options_(options) {
  if (options_.bytes_per_second == 0) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LogScrub::~LogScrub() { stop(); }

void LogScrub::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

bool LogScrub::pause(const std::stop_token& stop, std::chrono::duration<double> time) {
  std::unique_lock lock(mutex_);
  wakes_.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

Result<void> LogScrub::pass(const std::stop_token& stop) {
  return check_sealed_segments(files_, directory_, [&](uint64_t bytes) {
    ++segments_;
    const double seconds =
        static_cast<double>(bytes) / static_cast<double>(options_.bytes_per_second);
    return pause(stop, std::chrono::duration<double>(seconds));
  });
}

void LogScrub::run(const std::stop_token& stop) {
  name_this_thread("tenure-scrub");
  do {
    Result<void> checked = pass(stop);
    if (!checked && checked.error().kind == ErrorKind::kCorrupt) checked = pass(stop);
    if (stop.stop_requested()) return;
    if (checked) {
      ++passes_;
      damage_.see("");
    } else if (checked.error().kind == ErrorKind::kCorrupt) {
      damage_.see(checked.error().message);
    } else {
      spdlog::warn("event=scrub_failed error=\"{}\"", checked.error().message);
    }
  } while (pause(stop, options_.between_passes));
}

}  // namespace tenure
