#include "engine/domain/resources.h"

#include <algorithm>

#include "engine/domain/emit.h"

namespace tenure {

Guarded<TypeIndex> known_type(const Caller& caller, std::string_view name) {
  if (const auto type = caller.rulebook.resource_type(name)) return *type;
  std::string types;
  for (const ResourceType& type : caller.rulebook.resource_types) {
    types += (types.empty() ? "" : ", ") + type.name;
  }
  return reject(RejectionCode::unknown_type,
                "type " + in_quotes(name) + " is unknown; the types are " + types,
                rule_of(caller, "resource types"));
}

Verdict holds_some_change(const SpaceCaller& caller) {
  if (holds_some(caller, ResourceVerb::kUpdate)) return {};
  return holds_some(caller, ResourceVerb::kCreate);
}

Verdict holds_to_put(const SpaceCaller& caller, const Resource* held, TypeIndex type) {
  if (held != nullptr) return holds_for_type(caller, ResourceVerb::kUpdate, held->type);
  return holds_for_type(caller, ResourceVerb::kCreate, type);
}

const Resource* find_resource(const SpaceCaller& caller, std::string_view id) {
  const auto found = caller.space->resources.find(id);
  if (found == caller.space->resources.end() || found->second.deleted) return nullptr;
  return &found->second;
}

Guarded<const Resource*> existing_resource(const SpaceCaller& caller, std::string_view id) {
  if (const Resource* found = find_resource(caller, id)) return found;
  return reject(RejectionCode::not_found,
                "there is no resource " + in_quotes(id) + " in space " +
                    in_quotes(caller.space_id) + "; check the id",
                rule_of(caller, "target exists"));
}

Verdict is_free(const SpaceCaller& caller, std::string_view id) {
  if (find_resource(caller, id) == nullptr) return {};
  return reject(RejectionCode::already_exists,
                "resource " + in_quotes(id) + " exists in this space; choose another id",
                rule_of(caller, "resource ids are unique in their space"));
}

Verdict keeps_type(const SpaceCaller& caller, std::string_view id, const Resource& held,
                   TypeIndex type) {
  if (held.type == type) return {};
  return reject(RejectionCode::invalid_value,
                "resource " + in_quotes(id) + " is of type " +
                    caller.rulebook.resource_types[held.type].name +
                    " and stays so; name that type, or choose another id",
                rule_of(caller, "a resource never changes its type"));
}

uint64_t next_version(const SpaceCaller& caller, std::string_view id) {
  const auto held = caller.space->resources.find(id);
  return held == caller.space->resources.end() ? 1 : held->second.version + 1;
}

bool is_as_said(const Resource& held, const SaidResource& said) {
  const size_t links = said.links == nullptr ? 0 : said.links->size();
  return held.content == content_fingerprint(text(said.name), text(said.digest)) &&
         held.links.size() == links &&
         (links == 0 || std::ranges::equal(
                            held.links, *said.links, {},
                            [](const ResourceId& id) -> std::string_view { return id.str(); },
                            [](const auto* link) { return text(link); }));
}

void put_resource(const SpaceCaller& caller, const SaidResource& said, EventSink& events) {
  auto& builder = events.builder();
  const auto space = builder.CreateString(caller.space_id);
  const auto type = builder.CreateString(said.type);
  const auto resource = builder.CreateString(said.id);
  const auto name = copy_text(builder, said.name);
  const auto links = copy_texts(builder, said.links);
  const auto digest = copy_text(builder, said.digest);
  const uint64_t version = next_version(caller, said.id);
  if (find_resource(caller, said.id) == nullptr) {
    events.add(schema::CreateResourceCreated(builder, space, type, resource, name, links, digest,
                                             version));
  } else {
    events.add(schema::CreateResourceUpdated(builder, space, type, resource, name, links, digest,
                                             version));
  }
}

}  // namespace tenure
