// A small text from where an operator said it is: a file, or a URL.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace tenure {

// True for http:// and https://; anything else is a path.
bool is_url(std::string_view where);
// kInvalid for a URL that is not https, unless it is of this machine: what comes from there is
// believed.
Result<void> check_url(const std::string& url);

// At most 1 MiB. A URL is given 10 s, and no redirect is followed. kNotFound, kIo; kUnavailable for
// a URL that does not answer.
Result<std::string> fetch_text(const std::string& where);

}  // namespace tenure
