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
#include <utility>

namespace tenure {
namespace {

using SteadyClock = std::chrono::steady_clock;

Error system_error(const char* what) {
  return {ErrorKind::kIo, std::string(what) + ": " + std::strerror(errno)};
}

Result<void> connect_to(int fd, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(system_error("cannot connect to the server"));
  }
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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

}  // namespace

struct LoadClient::Connection {
  int fd = -1;
  std::string received;
  SteadyClock::time_point sent;
};

LoadClient::LoadClient() = default;
LoadClient::LoadClient(LoadClient&& other) noexcept
    : connections_(std::move(other.connections_)), epoll_(std::exchange(other.epoll_, -1)) {}
LoadClient::~LoadClient() {
  for (const Connection& connection : connections_) ::close(connection.fd);
  if (epoll_ >= 0) ::close(epoll_);
}

Result<LoadClient> LoadClient::connect(uint16_t port, int connections) {
  LoadClient client;
  client.epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (client.epoll_ < 0) return std::unexpected(system_error("cannot make an epoll"));
  for (int i = 0; i < connections; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(system_error("cannot make a socket"));
    client.connections_.push_back({fd, {}, {}});
    TRY(connect_to(fd, port));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<uint64_t>(i);
    ::epoll_ctl(client.epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  return client;
}

class LoadClient::Run {
 public:
  Run(LoadClient& client, const NextRequest& next_request, LoadResult& result)
      : client_(client), next_request_(next_request), result_(result) {}

  Result<void> go(double seconds) {
    const auto start = SteadyClock::now();
    end_ = start + std::chrono::duration_cast<SteadyClock::duration>(
                       std::chrono::duration<double>(seconds));
    for (auto& connection : client_.connections_) TRY(send_next(connection));
    while (in_flight_ > 0) {
      std::array<epoll_event, 256> events;
      int ready =
          ::epoll_wait(client_.epoll_, events.data(), static_cast<int>(events.size()), 10'000);
      if (ready <= 0) return std::unexpected(system_error("the server stopped answering"));
      for (int i = 0; i < ready; ++i)
        TRY(receive(client_.connections_[events[static_cast<size_t>(i)].data.u64]));
    }
    result_.seconds += std::chrono::duration<double>(SteadyClock::now() - start).count();
    if (failures_ == 0) return {};
    return fail(ErrorKind::kUnavailable, std::to_string(failures_) + " requests failed: no figure");
  }

 private:
  Result<void> send_next(Connection& connection) {
    auto now = SteadyClock::now();
    if (now >= end_) return {};
    std::string_view request = next_request_();
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
    if (kind != 2 && kind != 4) ++failures_;
    if (response->status == 200) ++result_.accepted;
    result_.latencies_ns.push_back(static_cast<uint64_t>(
        std::chrono::nanoseconds(SteadyClock::now() - connection.sent).count()));
    return send_next(connection);
  }

  LoadClient& client_;
  const NextRequest& next_request_;
  LoadResult& result_;
  SteadyClock::time_point end_;
  int64_t in_flight_ = 0;
  uint64_t failures_ = 0;
};

Result<void> LoadClient::run(double seconds, const NextRequest& next_request, LoadResult& result) {
  return Run(*this, next_request, result).go(seconds);
}

Result<LoadResult> run_load(const LoadOptions& options) {
  LoadResult result;
  auto client = TRY(LoadClient::connect(options.port, options.connections));
  TRY(client.run(options.seconds, options.next_request, result));
  return result;
}

std::string hello_request(std::string_view key) {
  return "GET /healthz HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + std::string(key) +
         "\r\n\r\n";
}

}  // namespace tenure
