// What every read has in common: on whose behalf (`as`), how fresh (`at_least`), of when (`as_of`),
// which page (`limit`, `cursor`).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projections/as_of.h"
#include "tools/server/api.h"

namespace tenure {

struct ReadRequest {
  PathValues path;
  QueryParameters parameters;
  Viewer viewer;
  Page page;
  std::string org;  // the one that it is about; empty: several, or the body says
  std::optional<Position> at_least;
  std::optional<Moment> as_of;  // absent: now

  // The value of a query parameter; empty if it was not given.
  std::string_view parameter(std::string_view name) const;
};

// kInvalid: names the parameter and what it takes. `pattern` is the route's.
Result<ReadRequest> parse_read(std::string_view pattern, PathValues path,
                               QueryParameters parameters);

// Runs `read` once the read models have `at_least`, or answers 503 when that takes too long.
// Without a token it waits a moment for what was answered before, so that clients read their own
// writes, and then answers from what there is. `quick`: on the HTTP thread if nothing must be
// waited for; else on a reader thread. The answer carries the position that the read models had.
void run_read(Api& api, const ReadRequest& request, bool quick, Respond respond,
              std::function<Response()> read);

// `user:bob` and `bob` are the same person to a read.
std::string_view bare_user(std::string_view user);

}  // namespace tenure
