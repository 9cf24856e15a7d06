// The CLI's way to a server: one HTTP/1.1 request a connection, waiting for the answer.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace tenure {

struct ServerOptions {
  std::string url = "http://127.0.0.1:7400";
  std::string key;
};
// --server and --key, or TENURE_SERVER and TENURE_ADMIN_KEY.
void add_server_options(CLI::App& app, ServerOptions& options);

struct HttpAnswer {
  int status = 0;
  std::string position;   // the Tenure-Position header
  std::string next = {};  // the Tenure-Next header: the cursor of the next page of lines
  std::string body;
};

class ApiClient {
 public:
  explicit ApiClient(ServerOptions options) : options_(std::move(options)) {}

  // kUnavailable: nobody answers there; kInvalid: the URL makes no sense. Any status is an answer.
  Result<HttpAnswer> get(std::string_view target) const;
  Result<HttpAnswer> post(std::string_view target, std::string_view content_type,
                          std::string_view body) const;

 private:
  Result<HttpAnswer> exchange(std::string_view head, std::string_view body) const;

  ServerOptions options_;
};

// Text as one segment of a path or one value of a query.
std::string percent_encode(std::string_view text);

// The target with one more query parameter, if there is a value.
std::string with_query(std::string target, std::string_view name, std::string_view value);

// Reports what an answer that is not 200 says: the problem's detail. Returns what the process ends
// with: kExitUnreachable if the server cannot answer now, else kExitRefused.
int report_refusal(const HttpAnswer& answer);

}  // namespace tenure
