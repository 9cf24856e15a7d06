// What happened: the history of an organization or of one thing in it, a command's decision by its
// id, and the decisions of all organizations in the order of the log.
#include <algorithm>

#include "consumers/subscription.h"
#include "engine/json/json_edge.h"
#include "projections/history_numbers.h"
#include "tools/server/decision_source.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

// A page is cut where it has become so large; its `next`, or the position of its last line, says
// where to go on.
constexpr size_t kMostPageBytes = 8u << 20;
// Decisions that one page of /v1/decisions looks at.
constexpr size_t kMostPassed = 200'000;

void append_decision(Api& api, Position position, std::span<const std::byte> payload,
                     std::string& out, bool to_outsider = false) {
  write_decision_json(format_position(position), payload, out, &api.host.unsealer(), to_outsider);
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
      TRY(get_history(live_context(api, *view, request), request.path[0], entity, request.page));
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

// Where /v1/decisions begins: at a position, at a time (`since`), or at the beginning.
Result<Position> begin_of(Api& api, const ReadRequest& request) {
  const std::string_view from = request.parameter("from"), since = request.parameter("since");
  if (!from.empty() && !since.empty()) {
    return fail(ErrorKind::kInvalid, "give from or since, not both");
  }
  // A position names its partition; for a time, `partition` does.
  Position begin{};
  const std::string_view text = from.empty() ? request.parameter("partition") : from;
  if (!text.empty()) {
    const auto position =
        parse_position(from.empty() ? std::string(text) + ":0" : std::string(from));
    if (!position || position->partition.value >= api.host.partitions()) {
      return fail(ErrorKind::kInvalid, from.empty()
                                           ? "partition must be one of this log, such as 0"
                                           : "from must be a position of this log, such as 0:41");
    }
    begin = *position;
  }
  if (since.empty()) return begin;
  const auto time = parse_time(since);
  if (!time) return fail(ErrorKind::kInvalid, "since: " + time.error().message);
  begin.number = TRY(number_at(api.host.log(), begin.partition, from_micros(*time)));
  return begin;
}

Result<SubscriptionFilter> filter_of(const ReadRequest& request) {
  SubscriptionFilter filter{.org = std::string(request.parameter("org")),
                            .entity = std::string(request.parameter("entity")),
                            .events = {}};
  TRY(check_entity(filter.entity));
  std::string_view names = request.parameter("event");
  while (!names.empty()) {
    const size_t end = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, end);
    const auto* known = std::ranges::find_if(schema::EnumValuesEvent(), [&](schema::Event event) {
      return event != schema::Event::NONE && name == schema::EnumNameEvent(event);
    });
    if (known == std::ranges::end(schema::EnumValuesEvent())) {
      return fail(ErrorKind::kInvalid,
                  "event must name kinds of events, as in MemberAdded,MemberRemoved");
    }
    filter.events.push_back(*known);
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return filter;
}

// A page ends at its limits or at the log's end. A filter may pass over decisions that must not be
// asked for again, and over so many that a page comes without any: Tenure-Next says where to go on.
Result<Response> decisions(Api& api, const ReadRequest& request) {
  if (!request.caller.audits_everything()) {
    return fail(ErrorKind::kNotFound,
                "nothing that you may see here; it takes audit.read, granted everywhere");
  }
  const Position begin = TRY(begin_of(api, request));
  const SubscriptionFilter filter = TRY(filter_of(request));
  Response response{.content_type = kNdjson};
  Position next = begin;
  const auto subscription = LogSubscription::open(api.host.log(), begin.partition, begin.number);
  // A process may know less of the log than the one that named the position.
  if (!subscription && subscription.error().kind != ErrorKind::kNotFound) {
    return std::unexpected(subscription.error());
  }
  size_t lines = 0;
  for (size_t passed = 0; subscription && passed < kMostPassed && lines < request.page.limit &&
                          response.body.size() < kMostPageBytes;
       ++passed) {
    const auto delivery = TRY((*subscription)->next());
    if (!delivery) break;
    next.number = (*subscription)->next_number();
    if (!filter.wants(*delivery->decision)) continue;
    ++lines;
    append_decision(api, delivery->position, delivery->bytes, response.body);
    response.body += '\n';
  }
  response.headers.emplace_back(kNextHeader, format_position(next));
  return response;
}

}  // namespace

void add_history_routes(Router& router, Api& api) {
  add_read(router, api,
           {.pattern = "/v1/orgs/{org}/history",
            .summary = "The decisions about it, or about one entity of it",
            .parameters = {"as", "at_least", "entity", "limit", "cursor"},
            .response_types = {kJson},
            .read = history});
  add_read(router, api,
           {.pattern = "/v1/orgs/{org}/commands/{id}",
            .summary = "The decision that a command left",
            .parameters = {"as", "at_least", "actor"},
            .response_types = {kJson},
            .read = command_by_id});
  add_read(
      router, api,
      {.pattern = "/v1/decisions",
       .summary = "All decisions from a position on, in the order of the log",
       .parameters = {"at_least", "from", "since", "partition", "org", "entity", "event", "limit"},
       .response_types = {kNdjson},
       .read = decisions,
       .prepare = [](const Api&, ReadRequest& request) { request.needs_rows = false; }});
}

}  // namespace tenure
