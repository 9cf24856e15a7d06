// A `tenure serve` of our own on a free loopback port, for measuring and testing it from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

struct ServerCommand {
  std::string program = "/proc/self/exe";  // this very program
  std::string data_directory, admin_key;
  std::vector<std::string> options;      // of serve, beside those two
  std::vector<std::string> environment;  // NAME=value, before what this process has
};

class ServerProcess {
 public:
  // Waits until it says that it is ready. kUnavailable: it ended first.
  static Result<std::unique_ptr<ServerProcess>> start(ServerCommand command);
  ~ServerProcess();  // SIGTERM, and waits for its end
  void kill();       // SIGKILL, and waits for its end
  uint16_t port() const { return port_; }

 private:
  void end(int signal);
  ServerProcess(pid_t pid, int output, uint16_t port) : pid_(pid), output_(output), port_(port) {}
  pid_t pid_;
  int output_;
  uint16_t port_;
};

}  // namespace tenure
