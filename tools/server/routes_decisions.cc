// The decisions of all organizations in the order of the log: a page of them as lines, or a stream
// that goes on as more are made.
#include <algorithm>

#include "consumers/subscription.h"
#include "engine/json/json_edge.h"
#include "tools/server/decision_stream.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

// A page is cut where it has become so large; Tenure-Next says where to go on.
constexpr size_t kMostPageBytes = 8u << 20;
// Decisions that one page looks at.
constexpr size_t kMostPassed = 200'000;

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

// A stream that is resumed begins behind the last decision that the client has.
Result<Position> resumed(Api& api, std::string_view last_event_id) {
  const auto last = parse_position(last_event_id);
  if (!last || last->partition.value >= api.host.partitions()) {
    return fail(ErrorKind::kInvalid,
                "Last-Event-ID must be the id of an event of this log, such as 0:41");
  }
  return Position{last->partition, last->number.next()};
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
Result<Response> page_of_decisions(Api& api, const ReadRequest& request, Position begin,
                                   const SubscriptionFilter& filter) {
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
    const auto taken = (*subscription)->next();
    // Where it does not go on, what came before is told first; the next page says why.
    if (!taken && next.number != begin.number) break;
    const auto delivery = TRY(taken);
    if (!delivery) break;
    next.number = (*subscription)->next_number();
    if (!filter.wants(*delivery->decision)) continue;
    ++lines;
    write_decision_json(format_position(delivery->position), delivery->bytes, response.body,
                        &api.host.unsealer());
    response.body += '\n';
  }
  response.headers.emplace_back(kNextHeader, format_position(next));
  return response;
}

Result<Response> stream_of_decisions(Api& api, const ReadRequest& request,
                                     SubscriptionFilter filter) {
  if (!request.parameter("limit").empty()) {
    return fail(ErrorKind::kInvalid, "a stream has no limit; leave it out, or ask for lines");
  }
  const bool goes_on = !request.last_event_id.empty();
  const Position begin =
      TRY(goes_on ? resumed(api, request.last_event_id) : begin_of(api, request));
  return stream_decisions(api, begin, std::move(filter), request.caller_now);
}

Result<Response> decisions(Api& api, const ReadRequest& request) {
  if (!request.caller.audits_everything()) {
    return fail(ErrorKind::kNotFound,
                "nothing that you may see here; it takes audit.read, granted everywhere");
  }
  SubscriptionFilter filter = TRY(filter_of(request));
  if (media_type(request.accept) == kEventStream) {
    return stream_of_decisions(api, request, std::move(filter));
  }
  return page_of_decisions(api, request, TRY(begin_of(api, request)), filter);
}

}  // namespace

void add_decision_routes(Router& router, Api& api) {
  add_read(
      router, api,
      {.pattern = "/v1/decisions",
       .summary = "All decisions from a position on, in the order of the log",
       .parameters = {"at_least", "from", "since", "partition", "org", "entity", "event", "limit"},
       .response_types = {kNdjson, kEventStream},
       .read = decisions,
       .prepare = [](const Api&, ReadRequest& request) { request.needs_rows = false; }});
}

}  // namespace tenure
