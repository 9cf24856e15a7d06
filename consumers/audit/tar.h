// Files in one, as every system unpacks them: POSIX ustar, with pax headers for long names, plain
// files alone, with fixed times and owners, so that the same files give the same bytes.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace tenure {

using NamedFiles = std::map<std::string, std::string>;  // contents by path, with / between folders

std::string to_tar(const NamedFiles& files);
// kInvalid: it is none, or holds something else than plain files. Nothing is written anywhere.
Result<NamedFiles> from_tar(std::string_view bytes);

}  // namespace tenure
