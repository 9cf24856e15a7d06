#include "tools/server/server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tools/server/api.h"
#include "tools/server/authenticator.h"

namespace tenure {
namespace {

constexpr size_t kReaderThreads = 2;
constexpr size_t kStreamThreads = 1;
constexpr size_t kIngestThreads = 2;
constexpr size_t kMostReadsWaiting = 4096;
constexpr auto kStopGrace = std::chrono::seconds(5);

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

// What our limits say of a request before anybody looks at it.
std::optional<Response> beyond_limits(const Request& request) {
  if (request.body.size() > kMaxBody) {
    return problem(413, "too_large", "a body may have at most 16 MiB; send it in parts");
  }
  if (request.path.size() + request.query.size() > kMaxTarget) {
    return problem(414, "too_large", "path and query may have at most 8 KiB together");
  }
  if (request.header_bytes > kMaxHeaders) {
    return problem(431, "too_large", "the headers may have at most 16 KiB together");
  }
  return std::nullopt;
}

bool takes(const Route& route, std::string_view parameter) {
  for (std::string_view name : route.parameters) {
    if (name == parameter) return true;
  }
  return false;
}

// Everything between a request and its route: limits, the table, the key, the parameters.
class Dispatcher {
 public:
  Dispatcher(const Router& router, const Authenticator& authenticator, Metrics& metrics,
             size_t max_bodies)
      : router_(router),
        authenticator_(authenticator),
        metrics_(metrics),
        max_bodies_(max_bodies) {}

  void operator()(Request request, Respond respond) {
    const size_t body = request.body.size();
    Respond counted = [this, body, respond = std::move(respond)](Response response) {
      metrics_.request(response.status);
      respond(std::move(response));
      bodies_ -= body;
    };
    const size_t others = bodies_.fetch_add(body);
    const bool too_much = others > 0 && others + body > max_bodies_;
    if (auto refusal = beyond_limits(request)) return counted(*std::move(refusal));
    auto match = router_.match(request.method, request.path);
    if (!match) return counted(problem(match.error()));
    if (match->route == nullptr) return counted(no_route(*match));
    const Route& route = *match->route;
    if (auto refusal = recognize(route, request)) return counted(*std::move(refusal));
    if (body > 0 && too_much) {
      return counted(problem(503, "unavailable", "too much is being sent at once; try again soon"));
    }
    auto parameters = parse_query(request.query);
    if (!parameters) return counted(problem(parameters.error()));
    for (auto each = parameters->begin(); each != parameters->end(); ++each) {
      if (!takes(route, each->first)) return counted(unknown_parameter(route, each->first));
      const bool again = std::any_of(parameters->begin(), each,
                                     [&](const auto& other) { return other.first == each->first; });
      if (again) {
        return counted(
            problem(400, "malformed", "'" + each->first + "' stands twice; send it once"));
      }
    }
    route.handler(request, std::move(match->values), *std::move(parameters), std::move(counted));
  }

 private:
  // Notes who made the request, if the route asks for that; or says why they are refused.
  std::optional<Response> recognize(const Route& route, Request& request) const {
    if (route.access == Access::kPublic) return std::nullopt;
    auto caller = authenticator_.authenticate(request);
    if (!caller) return std::move(caller).error();
    if (route.access == Access::kAdmin && !caller->is_admin()) {
      return problem(403, "forbidden", "only service:admin may ask this; use its key");
    }
    request.caller = *std::move(caller);
    if (std::ranges::find(route.response_types, kEventStream) != route.response_types.end()) {
      request.caller_now = [this, request]() -> std::optional<Principal> {
        auto caller = authenticator_.authenticate(request);
        if (!caller) return std::nullopt;
        return *std::move(caller);
      };
    }
    return std::nullopt;
  }

  static Response no_route(const Router::Match& match) {
    if (!match.other_method) {
      return problem(404, "not_found", "there is nothing at this path; /openapi.json lists all");
    }
    Response response = problem(405, "method_not_allowed", "this path takes " + match.allow);
    response.headers.emplace_back("Allow", match.allow);
    return response;
  }

  static Response unknown_parameter(const Route& route, const std::string& name) {
    std::string known;
    for (std::string_view each : route.parameters) {
      known += known.empty() ? "" : ", ";
      known += each;
    }
    return problem(
        400, "malformed",
        "no parameter '" + name + "' here; there " + (known.empty() ? "are none" : "are " + known));
  }

  const Router& router_;
  const Authenticator& authenticator_;
  Metrics& metrics_;
  const size_t max_bodies_;
  std::atomic<size_t> bodies_ = 0;  // bytes of those that are not answered yet
};

// Listens before the engine is open, so that the claim can name the address; until then, 503.
class Doorway {
 public:
  void open(RequestHandler handler) {
    handler_ = std::move(handler);
    is_open_.store(true, std::memory_order_release);
  }
  void operator()(const Request& request, Respond respond) const {
    if (is_open_.load(std::memory_order_acquire)) return handler_(request, std::move(respond));
    respond(problem(503, "unavailable", "the server is starting; try again soon"));
  }

 private:
  std::atomic<bool> is_open_ = false;
  RequestHandler handler_;
};

std::string address_of(const HttpOptions& options, uint16_t port) {
  bool v6 = options.address.find(':') != std::string::npos;
  std::string host = v6 ? "[" + options.address + "]" : options.address;
  return "http://" + host + ":" + std::to_string(port);
}

void announce(const AdminKey::Opened& opened, const std::string& address) {
  if (opened.generated) {
    std::fprintf(stderr, "admin key, shown only now: %s\n", opened.generated->c_str());
  }
  std::printf("tenure is ready at %s\n", address.c_str());
  std::fflush(stdout);
}

// Waits for a signal; the log's failure is one, too.
void wait_for_stop(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("event=stopping signal={}", signal);
  // A second one ends the process at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace

Result<void> serve(ServeOptions options) {
  sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Doorway doorway;
  auto http = TRY(HttpServer::start(options.http, std::ref(doorway)));
  const std::string address = address_of(options.http, http->port());
  options.host.address = address;
  std::unique_ptr<SignInVerifier> people;
  if (!options.oidc.empty()) {
    people = TRY(SignInVerifier::open(TRY(read_oidc_issuers(options.oidc))));
  }
  auto host = TRY(EngineHost::open(options.host));
  auto opened = TRY(AdminKey::open(options.host.data_directory, options.admin_key));
  host->on_failure([] { ::kill(::getpid(), SIGTERM); });

  Metrics metrics;
  AnsweredMark answered(host->partitions());
  auto readers = std::make_unique<WorkPool>(kReaderThreads, kMostReadsWaiting);
  auto streams = std::make_unique<WorkPool>(kStreamThreads, options.http.max_connections);
  auto ingest = std::make_unique<WorkPool>(kIngestThreads, options.http.max_connections * 2);
  Api api{*host,
          metrics,
          *readers,
          *streams,
          *ingest,
          answered,
          kReadPatience,
          is_loopback(options.http.address),
          options.http.threads,
          [&](size_t loop, std::function<void()> task) { http->post(loop, std::move(task)); }};
  Router router;
  add_all_routes(router, api);
  const Authenticator authenticator(opened.key, [&host] { return host->services(); }, people.get());
  Dispatcher dispatcher(router, authenticator, metrics, options.http.max_bodies);
  doorway.open(std::ref(dispatcher));
  announce(opened, address);
  const HostStats stats = host->stats();
  spdlog::info("event=ready address={} decisions={} open_s={:.3f} replayed={} replay_s={:.3f}",
               address, stats.durable, stats.partition.open_seconds, stats.partition.replayed,
               stats.partition.replay_seconds);

  wait_for_stop(signals);
  // What waits is answered now, so that no queue stands between the signal and the end.
  readers->stop();
  streams->stop();
  ingest->stop();
  Result<void> closed = host->close();
  http->stop(kStopGrace);
  ingest.reset();
  streams.reset();
  readers.reset();
  if (auto failure = host->failure()) return std::unexpected(*failure);
  if (!closed) return closed;
  spdlog::info("event=stopped decisions={}", host->stats().durable);
  // All is durable, partitions are handed back. librdkafka 2.0.2 may wait for ever where it
  // destroys a consumer that was closed in the middle of a rebalance, so nothing is destroyed here.
  if (options.host.kafka) {
    spdlog::default_logger()->flush();
    std::fflush(nullptr);
    std::_Exit(0);
  }
  return {};
}

}  // namespace tenure
