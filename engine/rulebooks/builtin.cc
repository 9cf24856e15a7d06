#include "engine/rulebooks/builtin.h"

#include <span>
#include <vector>

#include "engine/json/json_edge.h"
#include "rulebooks/builtin_texts.h"

namespace tenure {

Result<std::shared_ptr<const Rulebook>> load_rulebook(std::string_view json) {
  JsonReader reader(rulebook_schema());
  const std::span<const uint8_t> buffer = TRY(reader.read(json));
  return Rulebook::compile(*flatbuffers::GetRoot<schema::Rulebook>(buffer.data()));
}

Result<Catalog> load_catalog(std::string_view json) {
  JsonReader reader(catalog_schema());
  const std::span<const uint8_t> buffer = TRY(reader.read(json));
  return Catalog::create({buffer.begin(), buffer.end()});
}

Result<void> check_default_plans(const Catalog& catalog) {
  JsonReader reader(rulebook_schema());
  for (const char* json : kBuiltinRulebooks) {
    const auto& source = *flatbuffers::GetRoot<schema::Rulebook>(TRY(reader.read(json)).data());
    const std::vector<Nonsense> nonsense = Rulebook::nonsense(source, catalog);
    if (nonsense.empty()) continue;
    return fail(ErrorKind::kInvalid, "rulebook " + source.name()->str() + ", " +
                                         nonsense.front().path + ": " + nonsense.front().what);
  }
  return {};
}

std::span<const char* const> builtin_rulebook_texts() { return kBuiltinRulebooks; }

Result<Rulebooks> builtin_rulebooks() {
  Rulebooks rulebooks(&load_rulebook);
  for (const char* json : kBuiltinRulebooks) rulebooks.add(TRY(load_rulebook(json)));
  return rulebooks;
}

Result<Catalog> builtin_catalog() { return load_catalog(kBuiltinCatalog); }

}  // namespace tenure
