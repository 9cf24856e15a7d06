#include "engine/domain/evolve_events.h"

namespace tenure {

void evolve(Organization& organization, const schema::GroupCreated& event, const Happened&) {
  organization.groups.try_emplace(GroupId(text(event.group()))).first->second.name =
      text(event.name());
}

// Who was in it and what it had access to end by events of their own, in the same decision.
void evolve(Organization& organization, const schema::GroupDeleted& event, const Happened&) {
  const auto group = organization.groups.find(text(event.group()));
  if (group != organization.groups.end()) organization.groups.erase(group);
}

void evolve(Organization& organization, const schema::GroupJoined& event, const Happened&) {
  const auto group = organization.groups.find(text(event.group()));
  CHECK(group != organization.groups.end());
  group->second.users.emplace(text(event.user()));
  organization.groups_of[UserId(text(event.user()))].emplace(text(event.group()));
}

void evolve(Organization& organization, const schema::GroupLeft& event, const Happened&) {
  if (const auto group = organization.groups.find(text(event.group()));
      group != organization.groups.end()) {
    group->second.users.erase(UserId(text(event.user())));
  }
  const auto groups = organization.groups_of.find(text(event.user()));
  if (groups == organization.groups_of.end()) return;
  groups->second.erase(GroupId(text(event.group())));
  if (groups->second.empty()) organization.groups_of.erase(groups);
}

}  // namespace tenure
