// What happened: the history of an organization or of one thing in it, a command's decision by its
// id, and the decisions of all organizations in the order of the log.
#include "engine/json/json_edge.h"
#include "projections/history_numbers.h"
#include "tools/server/decision_source.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

// A page is cut where it has become so large; its `next`, or the position of its last line, says
// where to go on.
constexpr size_t kMostPageBytes = 8u << 20;

void append_decision(Api& api, Position position, std::span<const std::byte> payload,
                     std::string& out) {
  write_decision_json(format_position(position), payload, out, &api.host.unsealer());
}

QueryContext context_of(Api& api, const RowView& view, const ReadRequest& request) {
  return {.rows = view,
          .rulebooks = api.host.rulebooks(),
          .viewer = request.viewer,
          .now = SystemClock().now(),
          .compiled = &api.host.compiled_rulebooks()};
}

// What history can be asked about, as its rows are named; empty is the organization itself.
Result<void> check_entity(std::string_view entity) {
  if (entity.empty() || entity == "system") return {};
  for (const std::string_view kind : {"user:", "service:", "group:", "space:", "resource:"}) {
    if (!entity.starts_with(kind)) continue;
    const std::string_view name = entity.substr(kind.size());
    const size_t slash = name.find('/');
    if (name.empty() || (kind == "resource:") != (slash != std::string_view::npos)) break;
    if (slash != 0 && slash + 1 != name.size()) return {};
  }
  return fail(ErrorKind::kInvalid,
              "entity must be user:ID, service:ID, group:ID, space:ID or resource:SPACE/ID");
}

Result<Response> history(Api& api, const ReadRequest& request) {
  const std::string_view entity = request.parameter("entity");
  TRY(check_entity(entity));
  auto view = api.host.view();
  HistoryPage page =
      TRY(get_history(context_of(api, *view, request), request.path[0], entity, request.page));
  Response response{.body = R"({"decisions":[)"};
  size_t passed = 0;
  TRY(read_numbered(api.host.log(), api.host.partition_of(request.path[0]), page.numbers,
                    [&](Position position, std::span<const std::byte> payload) {
                      ++passed;
                      const auto* decision = flatbuffers::GetRoot<schema::Decision>(payload.data());
                      if (!is_about(*decision, entity)) return true;
                      if (response.body.back() != '[') response.body += ',';
                      append_decision(api, position, payload, response.body);
                      return response.body.size() < kMostPageBytes;
                    }));
  if (passed < page.numbers.size()) page.next = std::to_string(page.numbers[passed]);
  response.body += ']';
  response.body += R"(,"next":)";
  if (page.next.empty()) {
    response.body += "null";
  } else {
    append_json_string(page.next, response.body);
  }
  response.body += '}';
  return response;
}

Result<Response> command_by_id(Api& api, const ReadRequest& request) {
  const std::string& id = request.path[1];
  const std::string_view actor = request.parameter("actor");
  const std::string own_actor = request.viewer.service.empty()
                                    ? "user:" + request.viewer.user
                                    : "service:" + request.viewer.service;
  auto view = api.host.view();
  const CommandPlaces places =
      TRY(find_command(context_of(api, *view, request), request.path[0], id));
  Response response;
  TRY(read_numbered(
      api.host.log(), api.host.partition_of(request.path[0]), places.numbers,
      [&](Position position, std::span<const std::byte> payload) {
        const schema::CommandEnvelope& command =
            *flatbuffers::GetRoot<schema::Decision>(payload.data())->command_nested_root();
        const std::string_view sender = command.actor()->string_view();
        if (command.id()->string_view() != id || (!actor.empty() && sender != actor) ||
            (!places.all_visible && sender != own_actor)) {
          return true;
        }
        append_decision(api, position, payload, response.body);
        return false;
      }));
  if (response.body.empty()) {
    return fail(ErrorKind::kNotFound, "no decision of this organization has that command id");
  }
  return response;
}

Result<Response> decisions(Api& api, const ReadRequest& request) {
  if (!request.caller.audits_everything()) {
    return fail(ErrorKind::kNotFound,
                "nothing that you may see here; it takes audit.read, granted everywhere");
  }
  Position from{};
  if (std::string_view text = request.parameter("from"); !text.empty()) {
    auto position = parse_position(text);
    if (!position || position->partition.value >= api.host.partitions()) {
      return fail(ErrorKind::kInvalid, "from must be a position of this log, such as 0:41");
    }
    from = *position;
  }
  Response response{.content_type = kNdjson};
  size_t left = request.page.limit;
  TRY(read_onward(api.host.log(), from.partition, from.number,
                  [&](Position position, std::span<const std::byte> payload) {
                    append_decision(api, position, payload, response.body);
                    response.body += '\n';
                    return --left > 0 && response.body.size() < kMostPageBytes;
                  }));
  return response;
}

void add(Router& router, Api& api, std::string_view pattern, std::string_view summary,
         std::vector<std::string_view> parameters, std::string_view response_type,
         Result<Response> (*read)(Api&, const ReadRequest&)) {
  router.add(
      {.method = Method::kGet,
       .pattern = pattern,
       .summary = summary,
       .access = Access::kKey,
       .parameters = std::move(parameters),
       .request_types = {},
       .response_types = {response_type},
       .handler = [&api, read, pattern](const Request& asked, PathValues path,
                                        QueryParameters parameters, Respond respond) {
         auto request = parse_read(pattern, std::move(path), std::move(parameters), asked.caller);
         if (!request) return respond(problem(request.error()));
         request->needs_rows = read != decisions;
         run_read(api, *request, false, std::move(respond), [&api, read, request = *request] {
           Result<Response> response = read(api, request);
           return response ? *std::move(response) : problem(response.error());
         });
       }});
}

}  // namespace

void add_history_routes(Router& router, Api& api) {
  add(router, api, "/v1/orgs/{org}/history", "The decisions about it, or about one entity of it",
      {"as", "at_least", "entity", "limit", "cursor"}, kJson, history);
  add(router, api, "/v1/orgs/{org}/commands/{id}", "The decision that a command left",
      {"as", "at_least", "actor"}, kJson, command_by_id);
  add(router, api, "/v1/decisions", "All decisions from a position on, in the order of the log",
      {"at_least", "from", "limit"}, kNdjson, decisions);
}

}  // namespace tenure
