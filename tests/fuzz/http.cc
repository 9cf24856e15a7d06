// Bytes as a request: "GET /path?query", a line end, the body. It is asked of the real routes over
// a real engine, without a server, once as service:admin and once as a stranger. Answers are of a
// known status and whole JSON, never an error of ours; and the stranger hears nothing of an
// organization that they are no member of. Requests that change something are left out: an input
// must find the same state whenever it is run.
#include <simdjson.h>

#include <future>

#include "engine/base/check.h"
#include "tests/fuzz/input.h"
#include "tests/support/temporary_directory.h"
#include "tools/server/api.h"
#include "tools/server/read_request.h"

using namespace tenure;

namespace {

// What only members of acme can know.
constexpr const char* kSecrets[] = {"zuleika", "zanzibar", "Zephyr"};

class Routes {
 public:
  Routes() {
    HostOptions options;
    options.data_directory = directory_.path() + "/data";
    host_ = EngineHost::open(options).value();
    api_.emplace(Api{*host_, metrics_, readers_, streams_, ingest_, answered_,
                     std::chrono::milliseconds(0), true, 1, [](size_t, auto task) { task(); }});
    add_all_routes(router_, *api_);
    send("CreateOrganization", R"({"name":"Zephyr","rulebook":"space"})");
    send("AddMember", R"({"user":"zuleika","role":"ADMIN"})");
    send("CreateSpace", R"({"space":"zanzibar","name":"Zanzibar"})");
    CHECK(host_->wait_applied({{}, {2}}, std::chrono::minutes(10)));
  }

  const Router& router() const { return router_; }

  Response ask(const Route& route, const Request& request, const PathValues& values,
               const QueryParameters& parameters) {
    auto answered = std::make_shared<std::promise<Response>>();
    route.handler(request, values, parameters,
                  [answered](Response response) { answered->set_value(std::move(response)); });
    return answered->get_future().get();
  }

 private:
  void send(const std::string& type, const std::string& command) {
    const std::string body = R"({"id":")" + type + R"(","org":"acme","actor":"user:alice",)" +
                             R"("command_type":")" + type + R"(","command":)" + command + "}";
    const auto match = router_.match(Method::kPost, "/v1/commands");
    CHECK(ask(*match->route,
              {.method = Method::kPost, .body = body, .caller = Principal::admin(nullptr)}, {}, {})
              .status == 200);
  }

  test::TemporaryDirectory directory_;
  Metrics metrics_;
  AnsweredMark answered_{1};
  std::unique_ptr<EngineHost> host_;
  WorkPool readers_{1, 100}, streams_{1, 100}, ingest_{1, 100};
  std::optional<Api> api_;
  Router router_;
};

std::string encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    (out += '%') += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

// What is encoded is decoded to itself; so is what was decoded.
void run_texts(std::string_view text) {
  CHECK(percent_decode(encoded(text), false).value() == text);
  CHECK(percent_decode(encoded(text), true).value() == text);
  if (const auto parameters = parse_query(text)) {
    std::string query;
    for (const auto& [name, value] : *parameters) {
      query += encoded(name) + "=" + encoded(value) + "&";
    }
    CHECK(parse_query(query).value() == *parameters);
  }
  if (const auto position = parse_position(text)) {
    CHECK(text.find_first_not_of("0123456789:") == std::string_view::npos);
    CHECK(parse_position(format_position(*position)) == position);
  }
}

bool is_json(std::string_view text) {
  static simdjson::dom::parser parser;
  return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

void expect_whole(const Response& response) {
  CHECK(response.status != 500 && reason_phrase(response.status) != "Unknown");
  if (response.content_type.ends_with("json")) {
    const bool lines = response.content_type == kNdjson;
    if (!lines) return CHECK(is_json(response.body));
    for (std::string_view left = response.body; !left.empty();) {
      const size_t end = std::min(left.find('\n'), left.size() - 1);
      CHECK(is_json(left.substr(0, end)));
      left.remove_prefix(end + 1);
    }
  }
}

// Unless they asked with the very word, which an error may repeat.
void expect_no_secret(const Response& response, std::string_view asked, const PathValues& values,
                      const QueryParameters& parameters) {
  std::string known(asked);
  for (const std::string& value : values) known += value;
  for (const auto& [name, value] : parameters) known += value;
  for (const std::string_view secret : kSecrets) {
    CHECK(known.contains(secret) || known.contains('\\') || !response.body.contains(secret));
  }
}

// As the server does before it hands a request to its route.
bool is_taken(const Route& route, const QueryParameters& parameters) {
  for (auto each = parameters.begin(); each != parameters.end(); ++each) {
    const auto same = [&](const auto& other) { return other.first == each->first; };
    if (std::ranges::find(route.parameters, each->first) == route.parameters.end()) return false;
    if (std::any_of(parameters.begin(), each, same)) return false;
  }
  return true;
}

void run_request(std::string_view text) {
  static Routes routes;
  const bool post = text.starts_with("POST ");
  if (!post && !text.starts_with("GET ")) return;
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  const std::string_view target = line.substr(line.find(' ') + 1);
  const size_t mark = std::min(target.find('?'), target.size());
  Request request{.method = post ? Method::kPost : Method::kGet,
                  .path = target.substr(0, mark),
                  .query = target.substr(std::min(mark + 1, target.size())),
                  .body = text.substr(std::min(end + 1, text.size()))};
  const auto match = routes.router().match(request.method, request.path);
  const auto parameters = parse_query(request.query);
  if (!match || match->route == nullptr || !parameters) return;
  const Route& route = *match->route;
  if (!is_taken(route, *parameters) || (post && route.pattern != "/v1/check")) return;

  request.caller = Principal::admin(nullptr);
  expect_whole(routes.ask(route, request, match->values, *parameters));
  if (route.access != Access::kKey) return;
  request.caller = Principal::person("eve", "https://id.example");
  const Response heard = routes.ask(route, request, match->values, *parameters);
  expect_whole(heard);
  expect_no_secret(heard, text, match->values, *parameters);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  run_texts(text);
  run_request(text);
  return 0;
}
