// A `tenure serve` of our own on a free loopback port, for measuring it from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.h"

namespace tenure {

class ServerProcess {
 public:
  // Starts this very program as `serve` and waits until it says that it is ready. kUnavailable: it
  // ended first.
  static Result<std::unique_ptr<ServerProcess>> start(const std::string& data_directory,
                                                      const std::string& admin_key);
  ~ServerProcess();  // SIGTERM, and waits for its end
  uint16_t port() const { return port_; }

 private:
  ServerProcess(pid_t pid, int output, uint16_t port) : pid_(pid), output_(output), port_(port) {}
  pid_t pid_;
  int output_;
  uint16_t port_;
};

}  // namespace tenure
