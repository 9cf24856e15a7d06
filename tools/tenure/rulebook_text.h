// A rulebook as tables for people.
#pragma once

#include <string>

#include "engine/domain/rulebook.h"

namespace tenure {

// What holds for all, then roles against actions, and the types of resources. Lines of at most 100
// columns, unless a single name needs more; many roles make several tables, one below the other.
std::string rulebook_text(const Rulebook& rulebook);

}  // namespace tenure
