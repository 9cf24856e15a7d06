#include "engine/domain/evolve_events.h"

namespace tenure {

namespace {

bool is_owner(const Organization& organization, const Member& member) {
  return member.role == organization.rulebook->owner_role && !member.suspended;
}

// Changes a member, and keeps count of the owners.
template <class Change>
void change(Organization& organization, std::string_view user, Change change) {
  const auto member = organization.members.find(user);
  if (member == organization.members.end()) return;
  organization.owners -= is_owner(organization, member->second);
  change(member->second);
  organization.owners += is_owner(organization, member->second);
}

}  // namespace

void set_role(Organization& organization, std::string_view user, std::string_view role) {
  const auto index = organization.rulebook->organization_role(role);
  CHECK(index && organization.members.contains(user));
  change(organization, user, [&](Member& member) { member.role = *index; });
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
  organization.owners -= is_owner(organization, member->second);
  organization.members.erase(member);
}

// Names and e-mails are for display: the read models keep them.
void evolve(Organization&, const schema::MemberUpdated&, const Happened&) {}

// That they are out are events of their own; the key is not the organization's.
void evolve(Organization&, const schema::SubjectErased&, const Happened&) {}

void evolve(Organization& organization, const schema::MemberSuspended& event, const Happened&) {
  change(organization, text(event.user()), [](Member& member) { member.suspended = true; });
}

void evolve(Organization& organization, const schema::MemberReinstated& event, const Happened&) {
  change(organization, text(event.user()), [](Member& member) { member.suspended = false; });
}

}  // namespace tenure
