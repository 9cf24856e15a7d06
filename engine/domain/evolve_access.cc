#include <algorithm>

#include "engine/domain/evolve_events.h"

namespace tenure {

AccessRoles roles_of(const Rulebook& rulebook, const Texts& names) {
  AccessRoles roles;
  roles.reserve(names.size());
  for (const auto* name : names) {
    const auto role = rulebook.space_role(text(name));
    CHECK(role.has_value());
    roles.push_back(*role);
  }
  std::ranges::sort(roles);
  return roles;
}

void evolve(Organization& organization, const schema::AccessGranted& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  space.access[Subject(text(event.subject()))] = roles_of(*organization.rulebook, *event.roles());
  organization.spaces_of[Subject(text(event.subject()))].emplace(text(event.space()));
}

void evolve(Organization& organization, const schema::AccessChanged& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  space.access[Subject(text(event.subject()))] = roles_of(*organization.rulebook, *event.roles());
}

void evolve(Organization& organization, const schema::AccessRevoked& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  if (const auto grant = space.access.find(text(event.subject())); grant != space.access.end()) {
    space.access.erase(grant);
  }
  const auto spaces = organization.spaces_of.find(text(event.subject()));
  if (spaces == organization.spaces_of.end()) return;
  spaces->second.erase(SpaceId(text(event.space())));
  if (spaces->second.empty()) organization.spaces_of.erase(spaces);
}

}  // namespace tenure
