// What happened: the history of an organization or of one thing in it, and a command's decision by
// its id.
#include "engine/json/json_edge.h"
#include "projections/queries/diff.h"
#include "projections/queries/history_numbers.h"
#include "projections/queries/permission.h"
#include "tools/server/decision_source.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

// A page is cut where it has become so large; its `next` says where to go on.
constexpr size_t kMostPageBytes = 8u << 20;

void append_decision(Api& api, Position position, std::span<const std::byte> payload,
                     std::string& out, bool to_outsider = false) {
  write_decision_json(format_position(position), payload, out, &api.host.unsealer(), to_outsider);
}

// Made after the moment that the history is asked for, if it is asked for one.
bool is_later(const schema::Decision& decision, const std::optional<Moment>& as_of) {
  if (!as_of) return false;
  if (const auto* version = std::get_if<uint64_t>(&*as_of)) return decision.version() > *version;
  return from_micros(decision.time()) > std::get<Time>(*as_of);
}

Result<Response> history(Api& api, const ReadRequest& request) {
  const std::string_view entity = request.parameter("entity");
  TRY(check_entity(entity));
  auto view = api.host.view();
  HistoryPage page =
      TRY(get_history(live_context(api, *view, request), request.path[0], entity, request.page));
  Response response{.body = R"({"decisions":[)"};
  size_t passed = 0;
  TRY(read_numbered(api.host.log(), api.host.partition_of(request.path[0]), page.numbers,
                    [&](Position position, std::span<const std::byte> payload) {
                      ++passed;
                      const auto* decision = flatbuffers::GetRoot<schema::Decision>(payload.data());
                      if (is_later(*decision, request.as_of)) {
                        page.next.clear();
                        passed = page.numbers.size();
                        return false;
                      }
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

// Between two moments; without `to`, up to the present version.
Result<Response> diff(Api& api, const ReadRequest& request) {
  const std::string& org = request.path[0];
  const std::string_view from = request.parameter("from"), to = request.parameter("to");
  if (from.empty()) {
    return fail(ErrorKind::kInvalid, "from must be given: a version such as 7, or a time");
  }
  const Moment begin = TRY(parse_moment("from", from));
  auto view = api.host.view();
  const QueryContext live = live_context(api, *view, request);
  TRY(need_visible(live, org));
  const auto organization = TRY(OrganizationRows::find(live, *view, org));
  if (!organization) return fail(ErrorKind::kNotFound, "no organization " + org);
  const Moment end =
      to.empty() ? Moment(organization->row().version()) : TRY(parse_moment("to", to));
  const auto past = [&](Moment moment) {
    return api.host.as_of(*view, org, moment, api.readers.stopping());
  };
  const PastOrganization before = TRY(past(begin)), after = TRY(past(end));
  return Response{.body = TRY(get_diff(live, org, before, after))};
}

Result<Response> command_by_id(Api& api, const ReadRequest& request) {
  const std::string& id = request.path[1];
  const std::string_view actor = request.parameter("actor");
  const std::string own_actor = request.viewer.service.empty()
                                    ? "user:" + request.viewer.user
                                    : "service:" + request.viewer.service;
  auto view = api.host.view();
  const CommandPlaces places =
      TRY(find_command(live_context(api, *view, request), request.path[0], id));
  Response response;
  TRY(read_numbered(
      api.host.log(), api.host.partition_of(request.path[0]), places.numbers,
      [&](Position position, std::span<const std::byte> payload) {
        const auto& decision = *flatbuffers::GetRoot<schema::Decision>(payload.data());
        const schema::CommandEnvelope& command = *decision.command_nested_root();
        const std::string_view sender = command.actor()->string_view();
        if (command.id()->string_view() != id || (!actor.empty() && sender != actor) ||
            (!places.all_visible && sender != own_actor)) {
          return true;
        }
        append_decision(api, position, payload, response.body,
                        !places.all_visible && refused_as_outsider(decision));
        return false;
      }));
  if (response.body.empty()) {
    return fail(ErrorKind::kNotFound, "no decision of this organization has that command id");
  }
  return response;
}

}  // namespace

void add_history_routes(Router& router, Api& api) {
  add_read(router, api,
           {.pattern = "/v1/orgs/{org}/history",
            .summary = "The decisions about it, or about one entity of it",
            .parameters = {"as", "at_least", "as_of", "entity", "limit", "cursor"},
            .response_types = {kJson},
            .read = history});
  add_read(router, api,
           {.pattern = "/v1/orgs/{org}/diff",
            .summary = "Who and what came, went or changed in it between two versions or times",
            .parameters = {"as", "at_least", "from", "to"},
            .response_types = {kJson},
            .read = diff});
  add_read(router, api,
           {.pattern = "/v1/orgs/{org}/commands/{id}",
            .summary = "The decision that a command left",
            .parameters = {"as", "at_least", "actor"},
            .response_types = {kJson},
            .read = command_by_id});
}

}  // namespace tenure
