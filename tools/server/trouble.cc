#include "tools/server/trouble.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace tenure {

void Trouble::see(const std::string& why) {
  std::string before;
  {
    std::lock_guard lock(mutex_);
    before = std::exchange(why_, why);
  }
  if (before.empty() == why.empty()) return;  // another text of the same trouble is no news
  if (why.empty()) {
    spdlog::info("event={} state=ended", event_);
  } else {
    spdlog::error("event={} state=began reason=\"{}\"", event_, why);
  }
}

std::string Trouble::now() const {
  std::lock_guard lock(mutex_);
  return why_;
}

}  // namespace tenure
