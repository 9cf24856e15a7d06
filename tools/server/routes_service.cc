// What operators and their machines ask: alive, ready, metrics, the API's description, the front
// page.
#include "engine/base/html.h"
#include "engine/json/json_edge.h"
#include "tools/server/api.h"

namespace tenure {
namespace {

std::string front_page(const Router& router) {
  std::string out =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>Tenure</title>"
      "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
      "1rem}td{padding:.15rem 1rem .15rem 0;vertical-align:top}code{font-size:90%}</style>"
      "<h1>Tenure</h1><p>Members, roles, spaces and usage, decided and recorded. What this server "
      "answers; <code>/v1</code> takes an API key as <code>Authorization: Bearer KEY</code>.</p>"
      "<table>";
  for (const Route& route : router.routes()) {
    out += "<tr><td>";
    out += method_name(route.method);
    out += "<td><code>";
    out += html_text(route.pattern);
    out += "</code><td>";
    out += html_text(route.summary);
  }
  return out + "</table></html>\n";
}

Response readiness(Api& api) {
  if (auto failure = api.host.failure()) return problem(503, "unavailable", failure->message);
  const HostStats stats = api.host.stats();
  if (!stats.log_damage.empty()) {
    return problem(503, "unavailable", "the log is damaged: " + stats.log_damage);
  }
  if (!stats.notary_mismatch.empty()) return problem(503, "unavailable", stats.notary_mismatch);
  if (!stats.log_refusal.empty()) {
    return problem(503, "unavailable", "no commands are taken: " + stats.log_refusal);
  }
  if (!api.host.caught_up()) {
    return problem(503, "unavailable", "the read models are still catching up with the log");
  }
  return {.body = R"({"status":"ready"})"};
}

// Who owns which partition, and how far everything is.
Response status(Api& api) {
  Response response{.body = R"({"partitions":[)"};
  std::string& out = response.body;
  for (const PartitionStatus& partition : api.host.status()) {
    if (out.back() != '[') out += ',';
    out += R"({"partition":)" + std::to_string(partition.id.value);
    out += R"(,"role":")" + std::string(partition.writer ? "writer" : "follower") + '"';
    out += R"(,"owner":)";
    append_json_string(partition.owner, out);
    out += R"(,"address":)";
    append_json_string(partition.address, out);
    out += R"(,"build":)";
    append_json_string(partition.build, out);
    for (const auto& [name, value] :
         {std::pair("claim", partition.claim), std::pair("decisions", partition.durable),
          std::pair("applied", partition.applied), std::pair("settled", partition.settled),
          std::pair("waiting", partition.waiting), std::pair("in_flight", partition.in_flight)}) {
      out += std::string(",\"") + name + "\":" + std::to_string(value);
    }
    out += R"(,"due_at":)";
    if (partition.due_at) {
      append_json_string(format_time(to_micros(*partition.due_at)), out);
    } else {
      out += "null";
    }
    out += '}';
  }
  out += "]}";
  return response;
}

void add(Router& router, std::string_view pattern, std::string_view summary, std::string_view type,
         std::function<Response()> answer, Access access = Access::kPublic) {
  router.add({.method = Method::kGet,
              .pattern = pattern,
              .summary = summary,
              .access = access,
              .parameters = {},
              .request_types = {},
              .response_types = {type},
              .handler = [answer = std::move(answer)](
                             const Request&, const PathValues&, const QueryParameters&,
                             const Respond& respond) { respond(answer()); }});
}

}  // namespace

void add_service_routes(Router& router, Api& api) {
  static constexpr std::string_view kText = "text/plain; version=0.0.4; charset=utf-8";
  static constexpr std::string_view kHtml = "text/html; charset=utf-8";
  add(router, "/healthz", "Whether the process is alive", kJson,
      [] { return Response{.body = R"({"status":"alive"})"}; });
  add(router, "/readyz", "Whether it takes commands and its reads are up to date", kJson,
      [&api] { return readiness(api); });
  add(
      router, "/metrics", "Figures for Prometheus", kText,
      [&api] {
        return Response{.content_type = kText, .body = api.metrics.render(api.host.stats())};
      },
      api.open_metrics ? Access::kPublic : Access::kAdmin);
  add(
      router, "/v1/status", "The partitions of the log: owners, claims, how far reads are", kJson,
      [&api] { return status(api); }, Access::kAdmin);
  add(router, "/openapi.json", "This API, described", kJson,
      [&router] { return Response{.body = openapi_json(router)}; });
  add(router, "/", "This page", kHtml,
      [&router] { return Response{.content_type = kHtml, .body = front_page(router)}; });
}

}  // namespace tenure
