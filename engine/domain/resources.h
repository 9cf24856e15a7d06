// What the commands on resources share: what one may be, whether it is there, and what it becomes.
#pragma once

#include "engine/domain/guards.h"

namespace tenure {

inline constexpr size_t kMaxLinks = 1000;  // of one resource

// A resource as a command says it, whole: CreateResource, UpdateResource, ImportedResource.
struct SaidResource {
  std::string_view id, type;
  const flatbuffers::String* name;
  const Texts* links;
  const flatbuffers::String* digest;
};
template <class Saying>
SaidResource said_in(const Saying& saying) {
  return {text(saying.resource()), text(saying.type()), saying.name(), saying.links(),
          saying.digest()};
}

// Ids and values of what is said.
template <class Saying>
Verdict valid_resource(const Saying& saying) {
  TRY(valid_id("resource", saying.resource()));
  if (saying.name() != nullptr) TRY(valid_name("name", saying.name()));
  if (saying.digest() != nullptr) TRY(valid_name("digest", saying.digest()));
  if (saying.links() == nullptr) return {};
  TRY(valid_size("links", saying.links()->size(), kMaxLinks));
  for (const auto* link : *saying.links()) TRY(valid_id("links", link));
  return {};
}

Guarded<TypeIndex> known_type(const Caller& caller, std::string_view name);

// Who may bring resources in: by creating them or by updating those that are there.
Verdict holds_some_change(const SpaceCaller& caller);
// The one of both that bringing in one needs: `held` is what the space has by its id, or null.
Verdict holds_to_put(const SpaceCaller& caller, const Resource* held, TypeIndex type);

// What a space that exists holds. A resource that was deleted is not there.
const Resource* find_resource(const SpaceCaller& caller, std::string_view id);  // or null
Guarded<const Resource*> existing_resource(const SpaceCaller& caller, std::string_view id);
Verdict is_free(const SpaceCaller& caller, std::string_view id);  // else already_exists

// A resource never changes its type.
Verdict keeps_type(const SpaceCaller& caller, std::string_view id, const Resource& held,
                   TypeIndex type);

// The version an id gets next: one more than it had, also before it was deleted.
uint64_t next_version(const SpaceCaller& caller, std::string_view id);

// True if `held` is what is said, to the letter; its type apart.
bool is_as_said(const Resource& held, const SaidResource& said);

// Adds ResourceCreated, or ResourceUpdated where the id is there.
void put_resource(const SpaceCaller& caller, const SaidResource& said, EventSink& events);

}  // namespace tenure
