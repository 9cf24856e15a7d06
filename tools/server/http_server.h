// The HTTP server: threads that accept, read, parse and write, each its own share of the
// connections (of which the kernel decides); RESTinio inside, and nowhere else.
//
// Bodies come whole. Requests beyond our limits are answered (413, 414, 431); RESTinio's own, wider
// limits only close the connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "tools/server/http.h"

namespace tenure {

struct HttpOptions {
  std::string address = "127.0.0.1";  // to listen on
  uint16_t port = 7400;               // 0: any free one
  size_t threads = 1;                 // one at least
  // More wait until others end. Each of several threads takes up to twice its share and 64.
  size_t max_connections = 16384;
  size_t max_bodies = 256u << 20;           // bytes of bodies not answered yet; beyond it 503
  std::chrono::seconds slowest_reader{30};  // who takes no more of an answer for so long is cut off
};

class HttpServer {
 public:
  // Listens and serves. `handler` runs on the server's threads and must not block. kConflict: the
  // port is taken; kInvalid: no such address.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options,
                                                   RequestHandler handler);
  ~HttpServer();  // stop(0)

  uint16_t port() const;  // the one listened on

  // Runs `task` soon on the thread of the requests whose `loop` this is. Any thread.
  void post(size_t loop, std::function<void()> task);

  // Accepts no more, waits at most `grace` until every request is answered, ends the threads.
  void stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
