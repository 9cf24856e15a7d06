// The catalog of plans that a process sells from.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/domain/catalog.h"

namespace tenure {

// Of a file (JSON, schemas/catalog.fbs; engine/rulebooks/catalog.json is one), or the built-in one
// if `file` is empty. kNotFound; kInvalid: names the plan and field that make no sense, or the plan
// that a built-in rulebook misses.
Result<Catalog> open_catalog(const std::string& file);

}  // namespace tenure
