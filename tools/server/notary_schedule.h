// When a process signs heads of the log.
#pragma once

#include <chrono>
#include <cstdint>

namespace tenure {

struct NotarySchedule {
  std::chrono::seconds every{60};
  uint64_t every_decisions = 100'000;
};

}  // namespace tenure
