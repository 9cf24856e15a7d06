#include "tools/tenure/load_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>

namespace tenure {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::string received;
  SteadyClock::time_point sent;
  ~Connection() {
    if (fd >= 0) ::close(fd);
  }
};

Error system_error(const char* what) {
  return {ErrorKind::kIo, std::string(what) + ": " + std::strerror(errno)};
}

Result<void> open(Connection& connection, uint16_t port) {
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) return std::unexpected(system_error("cannot make a socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(system_error("cannot connect to the server"));
  }
  int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {};
}

// The status of a whole response at the front of `bytes`, and its length; nothing while some of it
// is missing.
struct ParsedResponse {
  int status;
  size_t length;
};
std::optional<ParsedResponse> parse_response(std::string_view bytes) {
  size_t head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos || bytes.size() < 12) return std::nullopt;
  int status = 0;
  std::from_chars(bytes.data() + 9, bytes.data() + 12, status);
  size_t body = 0;
  constexpr std::string_view kLength = "Content-Length: ";
  if (size_t at = bytes.substr(0, head).find(kLength); at != std::string_view::npos) {
    std::from_chars(bytes.data() + at + kLength.size(), bytes.data() + head, body);
  }
  size_t length = head + 4 + body;
  if (bytes.size() < length) return std::nullopt;
  return ParsedResponse{status, length};
}

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), connections_(static_cast<size_t>(options.connections)) {}
  ~Load() {
    if (epoll_ >= 0) ::close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Result<LoadResult> run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return std::unexpected(system_error("cannot make an epoll"));
    for (size_t i = 0; i < connections_.size(); ++i) {
      TRY(open(connections_[i], options_.port));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
    }
    start_ = SteadyClock::now();
    end_ = start_ + std::chrono::duration_cast<SteadyClock::duration>(
                        std::chrono::duration<double>(options_.seconds));
    for (auto& connection : connections_) TRY(send_next(connection));
    while (in_flight_ > 0) {
      std::array<epoll_event, 256> events;
      int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10'000);
      if (ready <= 0) return std::unexpected(system_error("the server stopped answering"));
      for (int i = 0; i < ready; ++i)
        TRY(receive(connections_[events[static_cast<size_t>(i)].data.u64]));
    }
    result_.seconds = std::chrono::duration<double>(SteadyClock::now() - start_).count();
    return std::move(result_);
  }

 private:
  Result<void> send_next(Connection& connection) {
    auto now = SteadyClock::now();
    if (now >= end_) return {};
    std::string_view request = options_.next_request();
    if (request.empty()) return {};
    connection.sent = now;
    ++in_flight_;
    while (!request.empty()) {
      ssize_t written = ::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
      if (written <= 0) return std::unexpected(system_error("the server closed a connection"));
      request.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Result<void> receive(Connection& connection) {
    std::array<char, 65536> buffer;
    ssize_t got = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return std::unexpected(system_error("the server closed a connection"));
    connection.received.append(buffer.data(), static_cast<size_t>(got));
    auto response = parse_response(connection.received);
    if (!response) return {};
    connection.received.erase(0, response->length);
    --in_flight_;
    ++result_.responses;
    int kind = response->status / 100;
    if (kind != 2 && kind != 4) ++result_.failures;
    if (response->status == 200) ++result_.accepted;
    result_.latencies_ns.push_back(static_cast<uint64_t>(
        std::chrono::nanoseconds(SteadyClock::now() - connection.sent).count()));
    return send_next(connection);
  }

  const LoadOptions& options_;
  std::vector<Connection> connections_;
  int epoll_ = -1;
  int64_t in_flight_ = 0;
  SteadyClock::time_point start_, end_;
  LoadResult result_;
};

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options) {
  LoadResult load = TRY(Load(options).run());
  if (load.failures == 0) return load;
  return fail(ErrorKind::kUnavailable, std::to_string(load.failures) + " of " +
                                           std::to_string(load.responses) +
                                           " requests failed: no figure");
}

std::string hello_request(std::string_view key) {
  return "GET /healthz HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + std::string(key) +
         "\r\n\r\n";
}

}  // namespace tenure
