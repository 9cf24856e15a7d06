#include "engine/log/fail_point.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace tenure::internal {
namespace {

struct Armed {
  std::string name;
  std::atomic<long> passes_left;

  explicit Armed(const std::string& setting)
      : name(setting.substr(0, setting.find(':'))), passes_left(count_in(setting)) {}

  static long count_in(const std::string& setting) {
    const auto colon = setting.find(':');
    return colon == std::string::npos ? 1 : std::strtol(setting.c_str() + colon + 1, nullptr, 10);
  }
};

const char* const setting = std::getenv("TENURE_FAIL_POINT");

}  // namespace

const bool fail_point_armed = setting != nullptr;

void pass_fail_point(const char* name) {
  static Armed armed(setting);
  if (armed.name == name && armed.passes_left.fetch_sub(1) == 1) std::raise(SIGKILL);
}

}  // namespace tenure::internal
