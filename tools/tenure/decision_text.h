// A decision as one line for people.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/base/ids.h"

namespace tenure {

// Position, time, organization and version, actor, command, outcome.
std::string decision_line(Position position, std::span<const std::byte> payload);

}  // namespace tenure
