#include "engine/domain/evolve_events.h"

namespace tenure {

namespace {

std::vector<ResourceId> ids_of(const Texts* links) {
  std::vector<ResourceId> ids;
  if (links == nullptr) return ids;
  ids.reserve(links->size());
  for (const auto* link : *links) ids.emplace_back(text(link));
  return ids;
}

// Puts a resource where one of its id may be, deleted or not.
void put(Space& space, std::string_view id, Resource resource) {
  const auto held = space.resources.find(id);
  space.resource_count += held == space.resources.end() || held->second.deleted;
  space.resources.insert_or_assign(ResourceId(id), std::move(resource));
}

template <class Event>
void say(Organization& organization, const Event& event) {
  const auto type = organization.rulebook->resource_type(text(event.type()));
  CHECK(type.has_value());
  put(space_of(organization, event.space()), text(event.resource()),
      {.type = *type,
       .version = event.version(),
       .deleted = false,
       .content = content_fingerprint(text(event.name()), text(event.digest())),
       .links = ids_of(event.links())});
}

}  // namespace

void evolve(Organization& organization, const schema::ResourceCreated& event, const Happened&) {
  say(organization, event);
}

void evolve(Organization& organization, const schema::ResourceUpdated& event, const Happened&) {
  say(organization, event);
}

void evolve(Organization& organization, const schema::ResourceCopied& event, const Happened&) {
  const Space& from = space_of(organization, event.from());
  const auto source = from.resources.find(text(event.resource()));
  CHECK(source != from.resources.end());
  put(space_of(organization, event.to()), text(event.as()),
      {.type = source->second.type,
       .version = event.version(),
       .deleted = false,
       .content = source->second.content,
       .links = ids_of(event.links())});
}

void evolve(Organization& organization, const schema::ResourceDeleted& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  const auto resource = space.resources.find(text(event.resource()));
  if (resource == space.resources.end() || resource->second.deleted) return;
  resource->second = {.type = resource->second.type,
                      .version = resource->second.version,
                      .deleted = true,
                      .content = {},
                      .links = {}};
  --space.resource_count;
}

}  // namespace tenure
