#include "engine/domain/evolve_events.h"

namespace tenure {

void set_role(Organization& organization, std::string_view user, std::string_view role) {
  const auto index = organization.rulebook->organization_role(role);
  const auto member = organization.members.find(user);
  CHECK(index && member != organization.members.end());
  const RoleIndex owner = organization.rulebook->owner_role;
  organization.owners -= member->second.role == owner;
  organization.owners += *index == owner;
  member->second.role = *index;
}

// The access that came along is an event of its own.
void evolve(Organization& organization, const schema::MemberAdded& event, const Happened&) {
  organization.members.try_emplace(UserId(text(event.user())), Member{.role = kNoRole});
  set_role(organization, text(event.user()), text(event.role()));
}

void evolve(Organization& organization, const schema::RoleChanged& event, const Happened&) {
  set_role(organization, text(event.user()), text(event.role()));
}

void evolve(Organization& organization, const schema::MemberRemoved& event, const Happened&) {
  const auto member = organization.members.find(text(event.user()));
  if (member == organization.members.end()) return;
  organization.owners -= member->second.role == organization.rulebook->owner_role;
  organization.members.erase(member);
}

}  // namespace tenure
