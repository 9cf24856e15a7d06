// The rulebooks and the catalog that come with the program, and how any other is read from JSON.
// What the fields mean: schemas/rulebook.fbs, schemas/catalog.fbs.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "engine/base/result.h"
#include "engine/domain/catalog.h"
#include "engine/domain/rulebook.h"

namespace tenure {

// Errors of all of these are kInvalid and name the field that makes no sense.
Result<std::shared_ptr<const Rulebook>> load_rulebook(std::string_view json);
Result<Catalog> load_catalog(std::string_view json);
// Whether organizations of the built-in rulebooks can live with it: the plan that their spaces
// start and end on is there, and costs nothing. kInvalid: says what is missing.
Result<void> check_default_plans(const Catalog& catalog);

std::span<const char* const> builtin_rulebook_texts();  // their JSON
Result<Rulebooks> builtin_rulebooks();  // anaphora, flotiq, space, upcloud: version 1
Result<Catalog> builtin_catalog();

}  // namespace tenure
