// `tenure serve`: the daemon, from its options to its exit code.
#pragma once

#include <optional>
#include <string>

#include "tools/server/engine_host.h"
#include "tools/server/http_server.h"

namespace tenure {

struct ServeOptions {
  HostOptions host;
  HttpOptions http;
  std::optional<std::string> admin_key;  // TENURE_ADMIN_KEY, if set
  std::string oidc;                      // the file that names issuers of people's tokens, or empty
};

// Serves until SIGTERM or SIGINT, then answers what is in flight and stops cleanly. Prints one line
// on stdout when ready; at the first start, before it, the admin key on stderr. Fails if it cannot
// start, or if the log failed. To be called on the main thread, before any other is started.
Result<void> serve(ServeOptions options);

}  // namespace tenure
