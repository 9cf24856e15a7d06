#include "tools/server/http.h"

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Kind {
  int status;
  std::string_view code;
};

Kind kind_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return {400, "malformed"};
    case ErrorKind::kNotFound:
      return {404, "not_found"};
    case ErrorKind::kSignIn:
      return {403, "sso_required"};
    case ErrorKind::kConflict:
      return {409, "conflict"};
    case ErrorKind::kUnavailable:
      return {503, "unavailable"};
    case ErrorKind::kUnsupported:
    case ErrorKind::kCorrupt:
    case ErrorKind::kIo:
      return {500, "internal"};
  }
  return {500, "internal"};
}

}  // namespace

void append_problem_members(int status, std::string_view code, std::string_view detail,
                            std::string& out) {
  std::string title(code);
  for (char& c : title) {
    if (c == '_') c = ' ';
  }
  out += R"({"type":"urn:tenure:problem:)";
  out += code;
  out += R"(","title":)";
  append_json_string(title, out);
  out += R"(,"status":)" + std::to_string(status) + R"(,"detail":)";
  append_json_string(detail, out);
  out += R"(,"code":)";
  append_json_string(code, out);
}

Response problem(int status, std::string_view code, std::string_view detail) {
  Response response{.status = status, .content_type = "application/problem+json"};
  append_problem_members(status, code, detail, response.body);
  response.body += '}';
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response problem(const Error& error) {
  Kind kind = kind_of(error.kind);
  return problem(kind.status, kind.code, error.message);
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(ErrorKind::kInvalid,
                    "a '%' in the address must be followed by two hexadecimal digits");
      }
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

Result<QueryParameters> parse_query(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    size_t end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    size_t equals = std::min(pair.find('='), pair.size());
    std::string name = TRY(percent_decode(pair.substr(0, equals), true));
    std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    parameters.emplace_back(std::move(name), TRY(percent_decode(value, true)));
  }
  return parameters;
}

}  // namespace tenure
