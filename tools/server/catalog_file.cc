#include "tools/server/catalog_file.h"

#include "engine/rulebooks/builtin.h"
#include "tools/server/fetch_text.h"

namespace tenure {

Result<Catalog> open_catalog(const std::string& file) {
  if (file.empty()) return builtin_catalog();
  const auto of_file = [&](const Error& error) {
    return fail(error.kind, file + ": " + error.message);
  };
  auto catalog = load_catalog(TRY(fetch_text(file)));
  if (!catalog) return of_file(catalog.error());
  if (const auto usable = check_default_plans(*catalog); !usable) return of_file(usable.error());
  return catalog;
}

}  // namespace tenure
