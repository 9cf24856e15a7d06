// What every read has in common: on whose behalf (`as`), how fresh (`at_least`), of when (`as_of`),
// which page (`limit`, `cursor`).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projections/queries/as_of.h"
#include "tools/server/api.h"

namespace tenure {

struct ReadRequest {
  PathValues path;
  QueryParameters parameters;
  Principal caller;
  Viewer viewer;
  Page page;
  std::string org;  // the one that it is about; empty: several, or the body says
  std::optional<Position> at_least;
  std::optional<Moment> as_of;                                // absent: now
  bool needs_rows = true;                                     // false: it looks at the log alone
  std::string accept, last_event_id;                          // the headers
  std::function<std::optional<Principal>()> caller_now = {};  // http.h

  // The value of a query parameter; empty if it was not given.
  std::string_view parameter(std::string_view name) const;
};

// kInvalid: names the parameter and what it takes; kNotFound: the caller may not read on that
// behalf. `pattern` is the route's.
Result<ReadRequest> parse_read(std::string_view pattern, PathValues path,
                               QueryParameters parameters, const Principal& caller);

// A version or a time, as the parameter `name` says it. kInvalid.
Result<Moment> parse_moment(std::string_view name, std::string_view text);

// Runs `read` once the read models have what it must see, or answers 503 when that takes too long;
// never from less. It must see all that the log held when this process opened it, and `at_least`;
// without such a token, what was answered before, so that clients read their own writes. On a
// reader thread. The answer carries the position that the read models had.
void run_read(Api& api, const ReadRequest& request, Respond respond,
              std::function<Response()> read);
// The same for a short read: here and now, or nothing if it must wait or be refused, and is for
// run_read().
std::optional<Response> read_at_once(Api& api, const ReadRequest& request,
                                     const std::function<Response()>& read);

// A read as a route. `read` runs on a reader thread; `prepare`, if there is one, before it is known
// what the read must wait for.
struct ReadRoute {
  std::string_view pattern, summary;
  std::vector<std::string_view> parameters;
  std::vector<std::string_view> response_types;
  std::function<Result<Response>(Api&, const ReadRequest&)> read;
  std::function<void(const Api&, ReadRequest&)> prepare = {};
};
void add_read(Router& router, Api& api, ReadRoute route);

// What a query is asked on: the rows of now.
QueryContext live_context(const Api& api, const RowView& view, const ReadRequest& request);

// Asks `query` of the rows of now, or with as_of of the one organization that the path names as it
// was then. A viewer to whom the organization is none today hears no more of its past.
Result<Response> on_rows(Api& api, const ReadRequest& request,
                         const std::function<Result<Response>(const QueryContext&)>& query);

// What history can be asked about, as its rows are named; empty is all. kInvalid: what it may be.
Result<void> check_entity(std::string_view entity);

// `user:bob` and `bob` are the same person to a read.
std::string_view bare_user(std::string_view user);

}  // namespace tenure
