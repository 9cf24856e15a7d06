#include "tools/tenure/api_client.h"

#include <netdb.h>
#include <simdjson.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

constexpr timeval kPatience{.tv_sec = 130, .tv_usec = 0};

struct Place {
  std::string host, port;
};

Result<Place> parse_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = url;
  if (!rest.starts_with(kScheme)) {
    return fail(ErrorKind::kInvalid, "the server must be given as http://HOST:PORT");
  }
  rest.remove_prefix(kScheme.size());
  rest = rest.substr(0, rest.find('/'));
  size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) return Place{std::string(rest), "80"};
  std::string host(rest.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Place{host, std::string(rest.substr(colon + 1))};
}

class Socket {
 public:
  explicit Socket(int handle) : handle_(handle) {}
  Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  ~Socket() {
    if (handle_ >= 0) ::close(handle_);
  }
  int get() const { return handle_; }

 private:
  int handle_;
};

std::unexpected<Error> unreachable(const std::string& url, std::string_view why) {
  return fail(ErrorKind::kUnavailable, "cannot reach " + url + ": " + std::string(why) +
                                           "; is `tenure serve` running there?");
}

Result<Socket> connect_to(const std::string& url) {
  Place place = TRY(parse_url(url));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int error = getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found)) {
    return unreachable(url, gai_strerror(error));
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  for (addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Socket socket(::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol));
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    if (::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0) return socket;
  }
  return unreachable(url, std::strerror(errno));
}

bool send_all(const Socket& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Up to the end of the connection; the request asked for `Connection: close`.
bool receive_all(const Socket& socket, std::string& out) {
  char buffer[65536];
  while (true) {
    ssize_t received = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (received < 0) return false;
    if (received == 0) return true;
    out.append(buffer, static_cast<size_t>(received));
  }
}

std::string_view header_value(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (::strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    line.remove_prefix(name.size() + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    return line;
  }
  return {};
}

Result<HttpAnswer> parse_answer(const std::string& url, std::string_view bytes) {
  size_t end = bytes.find("\r\n\r\n");
  constexpr size_t kStatusAt = std::string_view("HTTP/1.1 ").size();
  if (!bytes.starts_with("HTTP/1.") || end == std::string_view::npos) {
    return unreachable(url, "what answers there is not HTTP");
  }
  std::string_view head = bytes.substr(0, end);
  HttpAnswer answer;
  std::from_chars(head.data() + kStatusAt, head.data() + head.size(), answer.status);
  answer.position = header_value(head, "Tenure-Position");
  answer.next = header_value(head, "Tenure-Next");
  answer.body = bytes.substr(end + 4);
  size_t promised = 0;
  std::string_view length = header_value(head, "Content-Length");
  std::from_chars(length.data(), length.data() + length.size(), promised);
  if (answer.body.size() < promised) return unreachable(url, "the answer was cut off");
  return answer;
}

}  // namespace

void add_server_options(CLI::App& app, ServerOptions& options) {
  app.add_option("--server", options.url, "Where the server is")
      ->envname("TENURE_SERVER")
      ->capture_default_str();
  app.add_option("--key", options.key, "The API key; better in the environment")
      ->envname("TENURE_ADMIN_KEY");
}

Result<HttpAnswer> ApiClient::get(std::string_view target) const {
  return exchange("GET " + std::string(target) + " HTTP/1.1\r\n", {});
}

Result<HttpAnswer> ApiClient::post(std::string_view target, std::string_view content_type,
                                   std::string_view body) const {
  return exchange("POST " + std::string(target) +
                      " HTTP/1.1\r\nContent-Type: " + std::string(content_type) +
                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n",
                  body);
}

Result<HttpAnswer> ApiClient::exchange(std::string_view head, std::string_view body) const {
  Socket socket = TRY(connect_to(options_.url));
  std::string request(head);
  request += "Host: tenure\r\nConnection: close\r\n";
  if (!options_.key.empty()) request += "Authorization: Bearer " + options_.key + "\r\n";
  request += "\r\n";
  std::string answer;
  bool done = send_all(socket, request) && send_all(socket, body) && receive_all(socket, answer);
  if (!done) return unreachable(options_.url, std::strerror(errno));
  return parse_answer(options_.url, answer);
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~:";
  std::string encoded;
  for (unsigned char c : text) {
    if (std::isalnum(c) != 0 || kPlain.find(static_cast<char>(c)) != std::string_view::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += '%';
      encoded += kDigits[c >> 4];
      encoded += kDigits[c & 15];
    }
  }
  return encoded;
}

std::string with_query(std::string target, std::string_view name, std::string_view value) {
  if (value.empty()) return target;
  target += target.find('?') == std::string::npos ? '?' : '&';
  return (target += name) += "=" + percent_encode(value);
}

int report_refusal(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  std::string_view detail;
  if (parser.parse(answer.body)["detail"].get(detail) != simdjson::SUCCESS) detail = "no detail";
  report({ErrorKind::kInvalid,
          "the server answers " + std::to_string(answer.status) + ": " + std::string(detail)});
  return answer.status >= 500 ? kExitUnreachable : kExitRefused;
}

}  // namespace tenure
