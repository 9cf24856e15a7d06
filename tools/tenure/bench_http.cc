#include "tools/tenure/bench_http.h"

#include <fmt/format.h>

#include "tools/tenure/bench_workload.h"
#include "tools/tenure/load_client.h"
#include "tools/tenure/server_process.h"

namespace tenure {
namespace {

constexpr std::string_view kKey = "bench-key-that-only-this-run-knows";
constexpr size_t kBatch = 100;
constexpr double kSeconds = 4;

std::string post(std::string_view type, std::string_view body) {
  return fmt::format(
      "POST /v1/commands HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n"
      "Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      kKey, type, body.size(), body);
}

// Hands out each request once; the end of them ends a run early.
class Requests {
 public:
  // `per_request` commands in each: one as application/json, more as application/x-ndjson.
  Requests(const CommandArena& commands, size_t begin, size_t end, size_t per_request) {
    for (size_t i = begin; i < end; i += per_request) {
      std::string body;
      for (size_t k = i; k < std::min(end, i + per_request); ++k) {
        body += BenchWorkload::to_json(commands[k]);
        if (per_request > 1) body += '\n';
      }
      requests_.push_back(
          post(per_request > 1 ? "application/x-ndjson" : "application/json", body));
    }
  }
  std::string_view next() {
    return next_ < requests_.size() ? std::string_view(requests_[next_++]) : "";
  }

 private:
  std::vector<std::string> requests_;
  size_t next_ = 0;
};

}  // namespace

Result<void> bench_http(const BenchOptions& options) {
  auto server = TRY(ServerProcess::start({.data_directory = options.directory,
                                          .admin_key = std::string(kKey),
                                          .options = {},
                                          .environment = {}}));
  BenchWorkload workload(options.organizations, 7);
  CommandArena setup, mix;
  workload.add_setup(setup);
  workload.add_mix(mix, options.commands);
  Requests prepare(setup, 0, setup.size(), kBatch);
  TRY(run_load({server->port(), 4, 600, [&] { return prepare.next(); }}));

  const std::string hello = hello_request(kKey);
  const std::vector<std::pair<int, size_t>> runs = {{1, 1}, {64, 1}, {1024, 1}, {64, kBatch}};
  size_t share = mix.size() / runs.size(), begin = 0;
  for (auto [connections, per_request] : runs) {
    Requests requests(mix, begin, begin + share, per_request);
    begin += share;
    auto probe = TRY(run_load(
        {server->port(), connections, kSeconds / 2, [&] { return std::string_view(hello); }}));
    auto load =
        TRY(run_load({server->port(), connections, kSeconds, [&] { return requests.next(); }}));
    auto again = TRY(run_load(
        {server->port(), connections, kSeconds / 2, [&] { return std::string_view(hello); }}));
    BenchRow row;
    row.bench = fmt::format("http/{}{}", connections, per_request > 1 ? "/ndjson-100" : "");
    row.per_s = static_cast<double>(load.responses * per_request) / load.seconds;
    row.probe = "hello-world";
    row.probe_per_s =
        static_cast<double>(probe.responses + again.responses) / (probe.seconds + again.seconds);
    row.latencies = Latencies::of(load.latencies_ns);
    if (per_request == 1) {
      row.more.emplace_back("accepted_share", static_cast<double>(load.accepted) /
                                                  static_cast<double>(load.responses));
    }
    print_bench_row(row, options.json);
  }
  return {};
}

}  // namespace tenure
