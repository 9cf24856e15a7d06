#include "tools/server/read_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr size_t kMaxPage = 5000;

Result<size_t> parse_limit(std::string_view text) {
  size_t limit = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size() || limit < 1 || limit > kMaxPage) {
    return fail(ErrorKind::kInvalid, "limit must be a number from 1 to 5000");
  }
  return limit;
}

// Cursors are ids, or two of them; what else they mean is the query's business.
Result<std::string> parse_cursor(std::string_view text) {
  constexpr size_t kLongest = 512;
  bool plain =
      text.size() <= kLongest && std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view("._:-/").contains(static_cast<char>(c));
      });
  if (!plain) return fail(ErrorKind::kInvalid, "cursor must be the `next` of the page before");
  return std::string(text);
}

Result<Viewer> viewer_of(const Principal& caller, std::optional<std::string_view> as,
                         std::string_view org) {
  if (as && (as->empty() || *as == "user:" || *as == "service:")) {
    return fail(ErrorKind::kInvalid, "as must name a user: as=user:alice");
  }
  if (auto viewer = caller.viewer(as.value_or(""), org)) return *std::move(viewer);
  return fail(ErrorKind::kNotFound, "you are " + caller.actor() + " and may not read as " +
                                        std::string(as.value_or("nobody")) +
                                        " here; leave `as` out, or have act_for_users granted");
}

Result<Position> parse_token(std::string_view text) {
  if (auto position = parse_position(text)) return *position;
  return fail(ErrorKind::kInvalid,
              "at_least must be a position of this log, as an answer's Tenure-Position gives it");
}

// The position is taken before the rows are looked at, so it never promises too much. An answer
// over several partitions has none.
Response run_now(Api& api, const std::string& org, const std::function<Response()>& read) {
  const bool one = api.host.partitions() == 1;
  const PartitionId partition = one ? PartitionId{} : api.host.partition_of(org);
  const uint64_t applied = api.host.applied(partition).value;
  Response response = read();
  if (applied > 0 && (one || !org.empty())) {
    response.headers.emplace_back(kPositionHeader, format_position({partition, {applied - 1}}));
  }
  return response;
}

void run_on_reader(Api& api, const std::string& org, Respond respond,
                   std::function<Response()> read) {
  auto shared = std::make_shared<Respond>(std::move(respond));
  bool accepted = api.readers.submit(
      [&api, org, shared, read = std::move(read)] { (*shared)(run_now(api, org, read)); },
      [shared] {
        (*shared)(problem(503, "unavailable", "the server is stopping; try again soon"));
      });
  if (!accepted) {
    (*shared)(problem(503, "unavailable",
                      "too many reads are waiting, or the server is stopping; try again soon"));
  }
}

bool asks_for_no_partition(const Api& api, const ReadRequest& request) {
  return request.at_least && request.at_least->partition.value >= api.host.partitions();
}

// The last decisions that the rows lack, one a partition, which the read must see.
std::vector<Position> missing(const Api& api, const ReadRequest& request) {
  std::vector<Position> positions;
  for (PartitionId id{0}; id.value < api.host.partitions(); id = {id.value + 1}) {
    Number next{0};
    const bool concerned = request.org.empty() || api.host.partition_of(request.org) == id;
    if (concerned && request.needs_rows) next = api.host.at_open(id);
    if (request.at_least) {
      if (request.at_least->partition == id) next = std::max(next, request.at_least->number.next());
    } else if (concerned && request.needs_rows) {
      next = std::max(next, api.answered.next(id));
    }
    if (next > api.host.applied(id)) positions.push_back({id, {next.value - 1}});
  }
  return positions;
}

// A read that has to wait, for one partition after the other.
struct WaitingRead {
  std::vector<Position> missing;
  std::chrono::steady_clock::time_point deadline;
  std::string org;
  Respond respond;
  std::function<Response()> read;
};

void wait_for_rows(Api& api, const std::shared_ptr<WaitingRead>& waiting) {
  if (waiting->missing.empty()) {
    return run_on_reader(api, waiting->org, waiting->respond, waiting->read);
  }
  const Position next = waiting->missing.back();
  waiting->missing.pop_back();
  api.host.when_applied(next, waiting->deadline, [&api, waiting](bool applied) {
    if (applied) return wait_for_rows(api, waiting);
    waiting->respond(problem(503, "unavailable",
                             "the read models are not as far as this read must see; try again "
                             "soon, and see /readyz"));
  });
}

}  // namespace

Result<Moment> parse_moment(std::string_view name, std::string_view text) {
  uint64_t version = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error == std::errc{} && end == text.data() + text.size()) return Moment(version);
  auto time = parse_time(text);
  if (!time) {
    return fail(
        ErrorKind::kInvalid,
        std::string(name) + " must be a version such as 7, or a time such as 2026-11-23T14:21:00Z");
  }
  return Moment(from_micros(*time));
}

std::string_view ReadRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

Result<ReadRequest> parse_read(std::string_view pattern, PathValues path,
                               QueryParameters parameters, const Principal& caller) {
  ReadRequest request{.path = std::move(path),
                      .parameters = std::move(parameters),
                      .caller = caller,
                      .viewer = {},
                      .page = {},
                      .org = {},
                      .at_least = {},
                      .as_of = {},
                      .accept = {},
                      .last_event_id = {}};
  if (pattern.starts_with("/v1/orgs/{org}")) request.org = request.path.front();
  std::optional<std::string_view> as;
  for (const auto& [name, value] : request.parameters) {
    if (name == "as") as = value;
    if (name == "limit") request.page.limit = TRY(parse_limit(value));
    if (name == "cursor") request.page.cursor = TRY(parse_cursor(value));
    if (name == "at_least") request.at_least = TRY(parse_token(value));
    if (name == "as_of") request.as_of = TRY(parse_moment(name, value));
  }
  request.viewer = TRY(viewer_of(caller, as, request.org));
  return request;
}

void run_read(Api& api, const ReadRequest& request, Respond respond,
              std::function<Response()> read) {
  if (!api.host.serves_reads()) {
    return respond(problem(503, "unavailable",
                           "this process answers no reads; ask one that plays the role `reads`"));
  }
  if (asks_for_no_partition(api, request)) {
    return respond(problem(400, "malformed", "at_least names a partition that this log has not"));
  }
  std::vector<Position> to_wait_for = missing(api, request);
  if (!to_wait_for.empty()) {
    return wait_for_rows(api, std::make_shared<WaitingRead>(WaitingRead{
                                  .missing = std::move(to_wait_for),
                                  .deadline = std::chrono::steady_clock::now() + api.read_patience,
                                  .org = request.org,
                                  .respond = std::move(respond),
                                  .read = std::move(read)}));
  }
  run_on_reader(api, request.org, std::move(respond), std::move(read));
}

std::optional<Response> read_at_once(Api& api, const ReadRequest& request,
                                     const std::function<Response()>& read) {
  if (!api.host.serves_reads() || asks_for_no_partition(api, request)) return std::nullopt;
  if (!missing(api, request).empty()) return std::nullopt;
  return run_now(api, request.org, read);
}

void add_read(Router& router, Api& api, ReadRoute route) {
  router.add({.method = Method::kGet,
              .pattern = route.pattern,
              .summary = route.summary,
              .access = Access::kKey,
              .parameters = std::move(route.parameters),
              .request_types = {},
              .response_types = std::move(route.response_types),
              .handler = [&api, pattern = route.pattern, read = std::move(route.read),
                          prepare = std::move(route.prepare)](const Request& asked, PathValues path,
                                                              QueryParameters parameters,
                                                              Respond respond) {
                auto request =
                    parse_read(pattern, std::move(path), std::move(parameters), asked.caller);
                if (!request) return respond(problem(request.error()));
                request->accept = asked.accept;
                request->last_event_id = asked.last_event_id;
                request->caller_now = asked.caller_now;
                if (prepare) prepare(api, *request);
                run_read(api, *request, std::move(respond), [&api, &read, request = *request] {
                  Result<Response> response = read(api, request);
                  return response ? *std::move(response) : problem(response.error());
                });
              }});
}

QueryContext live_context(const Api& api, const RowView& view, const ReadRequest& request) {
  return {.rows = view,
          .rulebooks = api.host.rulebooks(),
          .viewer = request.viewer,
          .now = SystemClock().now(),
          .partition = request.org.empty() ? PartitionId{} : api.host.partition_of(request.org),
          .compiled = &api.host.compiled_rulebooks(),
          .unsealer = &api.host.unsealer()};
}

Result<Response> on_rows(Api& api, const ReadRequest& request,
                         const std::function<Result<Response>(const QueryContext&)>& query) {
  auto view = api.host.view();
  QueryContext context = live_context(api, *view, request);
  if (!request.as_of) return query(context);
  TRY(need_visible(context, request.org));
  const PastOrganization past =
      TRY(api.host.as_of(*view, request.org, *request.as_of, api.readers.stopping()));
  return query({.rows = *past.rows,
                .rulebooks = context.rulebooks,
                .viewer = context.viewer,
                .now = past.time,
                .partition = context.partition,
                .live_rows = &*view,
                .compiled = context.compiled,
                .unsealer = context.unsealer});
}

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

std::string_view bare_user(std::string_view user) {
  constexpr std::string_view kPrefix = "user:";
  return user.starts_with(kPrefix) ? user.substr(kPrefix.size()) : user;
}

}  // namespace tenure
