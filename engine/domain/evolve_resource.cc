#include "engine/domain/evolve_events.h"

namespace tenure {

void evolve(Organization& organization, const schema::ResourceCreated& event, const Happened&) {
  const auto type = organization.rulebook->resource_type(text(event.type()));
  CHECK(type.has_value());
  Space& space = space_of(organization, event.space());
  space.resources.insert_or_assign(ResourceId(text(event.resource())),
                                   Resource{.type = *type, .version = event.version()});
  ++space.resource_count;
}

void evolve(Organization& organization, const schema::ResourceDeleted& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  const auto resource = space.resources.find(text(event.resource()));
  if (resource == space.resources.end() || resource->second.deleted) return;
  resource->second.deleted = true;
  --space.resource_count;
}

}  // namespace tenure
