// A closed-loop HTTP load for `tenure bench`: N keep-alive connections on one epoll thread,
// each with one request in flight. It does as little as it can, since it shares the machine with
// the server it measures.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

struct LoadOptions {
  uint16_t port = 0;  // on 127.0.0.1
  int connections = 1;
  double seconds = 2;
  // Bytes of the next whole request; nothing left: an empty view ends the run.
  std::function<std::string_view()> next_request;
};

struct LoadResult {
  uint64_t responses = 0;
  uint64_t failures = 0;  // any status but 2xx and 4xx
  uint64_t accepted = 0;  // 200
  double seconds = 0;
  std::vector<uint64_t> latencies_ns;
};

// kIo if a connection fails or the server closes one; kUnavailable if a request failed: the figure
// would not be what it says.
Result<LoadResult> run_load(const LoadOptions& options);

// A GET of /healthz: this server's own hello-world.
std::string hello_request(std::string_view key);

}  // namespace tenure
