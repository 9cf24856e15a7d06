// Time: UTC, in microseconds. Inside the engine it always comes as an argument; only a Clock at the
// edge reads it.
#pragma once

#include <chrono>
#include <cstdint>

namespace tenure {

using Time = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

constexpr Time from_micros(int64_t micros_since_epoch) {
  return Time(Duration(micros_since_epoch));
}
constexpr int64_t to_micros(Time time) { return time.time_since_epoch().count(); }

// Where threads get the time from. Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
};

}  // namespace tenure
