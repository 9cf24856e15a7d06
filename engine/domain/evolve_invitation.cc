#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

// An invitation that was answered is over: nobody can answer it again.
void close(Organization& organization, std::string_view id) {
  const auto found = organization.invitations.find(id);
  if (found == organization.invitations.end()) return;
  if (!found->second.expired) organization.due.erase(due_item(found->first, found->second));
  const auto held = organization.invitations_of.find(std::string_view(found->second.user));
  held->second.erase(found->first);
  if (held->second.empty()) organization.invitations_of.erase(held);
  organization.invitations.erase(found);
}

}  // namespace

void evolve(Organization& organization, const schema::MemberInvited& event,
            const Happened& happened) {
  Invitation invitation{.user = UserId(text(event.user())),
                        .role = kNoRole,
                        .space = SpaceId(text(event.space())),
                        .space_roles = {},
                        .expires = from_micros(event.expires()),
                        .inviter = std::string(happened.actor),
                        .expired = false};
  const Rulebook& rulebook = *organization.rulebook;
  if (event.role() != nullptr) {
    const auto role = rulebook.organization_role(text(event.role()));
    CHECK(role.has_value());
    invitation.role = *role;
  }
  if (event.space_roles() != nullptr) {
    invitation.space_roles = roles_of(rulebook, *event.space_roles());
  }
  const InvitationId id(text(event.invitation()));
  close(organization, id);  // one that expired gives its id to another
  organization.invitations_of[invitation.user].insert(id);
  organization.due.insert(due_item(id, invitation));
  organization.invitations.insert_or_assign(id, std::move(invitation));
}

void evolve(Organization& organization, const schema::InvitationAccepted& event, const Happened&) {
  close(organization, text(event.invitation()));
}

void evolve(Organization& organization, const schema::InvitationDeclined& event, const Happened&) {
  close(organization, text(event.invitation()));
}

void evolve(Organization& organization, const schema::InvitationRevoked& event, const Happened&) {
  close(organization, text(event.invitation()));
}

// It stays, so that whoever comes too late is told, and offers nothing any more: its roles may go.
void evolve(Organization& organization, const schema::InvitationExpired& event, const Happened&) {
  const auto found = organization.invitations.find(text(event.invitation()));
  if (found == organization.invitations.end()) return;
  organization.due.erase(due_item(found->first, found->second));
  found->second.expired = true;
  found->second.role = kNoRole;
  found->second.space_roles.clear();
}

}  // namespace tenure
