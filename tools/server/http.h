// HTTP as the routes see it: a request, a response, an error. No HTTP library in sight; only
// http_server.cc knows one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/rejections.h"
#include "tools/server/principal.h"

namespace tenure {

enum class Method : uint8_t { kGet, kPost, kOther };

inline constexpr size_t kMaxBody = 16u << 20;
inline constexpr size_t kMaxTarget = 8u << 10;  // path and query
inline constexpr size_t kMaxHeaders = 16u << 10;

// Views into bytes that `owner` keeps alive; copy the Request to keep them.
struct Request {
  Method method = Method::kOther;
  std::string_view path{};   // still percent-encoded
  std::string_view query{};  // after the `?`, still encoded
  std::string_view authorization{}, api_key{}, content_type{}, idempotency_key{};
  std::string_view accept{}, last_event_id{}, stripe_signature{};
  std::string_view body{};
  size_t header_bytes = 0;
  size_t loop = 0;  // which of the server's threads has its connection
  std::shared_ptr<const void> owner{};
  Principal caller{};  // who made it: set once its credentials were looked at
  // Who that is now, or nobody any more; for answers that go on, null for others. Any thread.
  std::function<std::optional<Principal>()> caller_now{};
};

// A body that goes on. `NextPiece` is called for the piece after the ones that the client has
// taken, so no more than one waits for a client that is slow; it answers once, from any thread. It
// is dropped where the client is gone.
struct Piece {
  std::string bytes;
  bool last = false;
};
using NextPiece = std::function<void(std::function<void(Piece)>)>;

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  // a literal
  std::string body{};
  std::vector<std::pair<std::string_view, std::string>> headers{};  // names are literals
  NextPiece more{};  // what follows `body`; null: nothing does
};

// Answers one request, once, from any thread. Copies answer the same request.
using Respond = std::function<void(Response)>;
using RequestHandler = std::function<void(const Request&, Respond)>;

// An RFC 9457 problem. `code` is a rejection's, or one of ours ("unauthorized", "unavailable",
// ...).
Response problem(int status, std::string_view code, std::string_view detail);
// The members that open every problem object, without its closing brace.
void append_problem_members(int status, std::string_view code, std::string_view detail,
                            std::string& out);
// What a failed operation means to a client; 503 carries Retry-After.
Response problem(const Error& error);

std::string_view reason_phrase(int status);

// %41 and so on; `plus_is_space` for query values. kInvalid: a broken escape.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

// The parameters of a query string, decoded, in order.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
Result<QueryParameters> parse_query(std::string_view query);

}  // namespace tenure
