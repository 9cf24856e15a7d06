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

// Bytes of the next whole request; nothing left: an empty view ends the run.
using NextRequest = std::function<std::string_view()>;

struct LoadResult {
  uint64_t responses = 0;
  uint64_t accepted = 0;  // 200
  double seconds = 0;
  std::vector<uint64_t> latencies_ns;

  double per_second() const { return static_cast<double>(responses) / seconds; }
};

// Keeps its connections from one run to the next. One thread.
class LoadClient {
 public:
  // `connections` to `port` of 127.0.0.1. kIo: not all could be made.
  static Result<LoadClient> connect(uint16_t port, int connections);
  LoadClient(LoadClient&& other) noexcept;
  ~LoadClient();

  // For so long, or until there is no next request; adds to `result`. kIo if a connection fails or
  // the server closes one; kUnavailable if a request failed (any status but 2xx and 4xx): the
  // figure would not be what it says.
  Result<void> run(double seconds, const NextRequest& next_request, LoadResult& result);

 private:
  struct Connection;
  class Run;
  LoadClient();

  std::vector<Connection> connections_;
  int epoll_ = -1;
};

struct LoadOptions {
  uint16_t port = 0;  // on 127.0.0.1
  int connections = 1;
  double seconds = 2;
  NextRequest next_request;
};

// One run over connections of its own.
Result<LoadResult> run_load(const LoadOptions& options);

// A GET of /healthz: this server's own hello-world.
std::string hello_request(std::string_view key);

}  // namespace tenure
