// The reductions of the membership model, by what they are about; membership.cc has the table.
#pragma once

#include "engine/domain/text.h"
#include "projections/projection.h"

namespace tenure::membership {

inline constexpr Family kFamily = Family::kMembership;
inline constexpr RowBytes kNoBytes{};
inline constexpr std::string_view kActive = "active";

inline flatbuffers::Offset<Texts> copy_texts(Reduction& in, const Texts* texts) {
  if (texts == nullptr) return 0;
  std::vector<flatbuffers::Offset<flatbuffers::String>> copies;
  for (const auto* each : *texts) copies.push_back(in.builder.CreateString(each));
  return in.builder.CreateVector(copies);
}

// membership_organization.cc
void organization_created(Reduction& in, const schema::OrganizationCreated& event);
void organization_renamed(Reduction& in, const schema::OrganizationRenamed& event);
void billing_mode_changed(Reduction& in, const schema::BillingModeChanged& event);
void clock_advanced(Reduction& in, const schema::ClockAdvanced& event);
void organization_deleted(Reduction& in, const schema::OrganizationDeleted& event);
void organization_restored(Reduction& in, const schema::OrganizationRestored& event);
void sso_configured(Reduction& in, const schema::SsoConfigured& event);
void sso_removed(Reduction& in, const schema::SsoRemoved& event);
void rulebook_adopted(Reduction& in, const schema::RulebookAdopted& event);
void space_role_defined(Reduction& in, const schema::SpaceRoleDefined& event);
void space_role_deleted(Reduction& in, const schema::SpaceRoleDeleted& event);

void note_guest(Reduction& in);  // a space is granted to somebody who is no member

// membership_people.cc
void member_added(Reduction& in, const schema::MemberAdded& event);
void role_changed(Reduction& in, const schema::RoleChanged& event);
void member_updated(Reduction& in, const schema::MemberUpdated& event);
void member_suspended(Reduction& in, const schema::MemberSuspended& event);
void member_reinstated(Reduction& in, const schema::MemberReinstated& event);
void member_invited(Reduction& in, const schema::MemberInvited& event);
void invitation_accepted(Reduction& in, const schema::InvitationAccepted& event);
void invitation_declined(Reduction& in, const schema::InvitationDeclined& event);
void invitation_revoked(Reduction& in, const schema::InvitationRevoked& event);
void invitation_expired(Reduction& in, const schema::InvitationExpired& event);
void member_removed(Reduction& in, const schema::MemberRemoved& event);
void ownership_transferred(Reduction& in, const schema::OwnershipTransferred& event);
void group_created(Reduction& in, const schema::GroupCreated& event);
void group_deleted(Reduction& in, const schema::GroupDeleted& event);
void group_joined(Reduction& in, const schema::GroupJoined& event);
void group_left(Reduction& in, const schema::GroupLeft& event);
// What `user` or `group` holds in the space from now on, in their own row; null: nothing any more.
// False: no member.
bool change_grants_of_member(Reduction& in, std::string_view user, std::string_view space,
                             const Texts* roles);
void change_grants_of_group(Reduction& in, std::string_view group, std::string_view space,
                            const Texts* roles);

// membership_space.cc
void space_created(Reduction& in, const schema::SpaceCreated& event);
void space_renamed(Reduction& in, const schema::SpaceRenamed& event);
void space_archived(Reduction& in, const schema::SpaceArchived& event);
void space_deleted(Reduction& in, const schema::SpaceDeleted& event);
void space_restored(Reduction& in, const schema::SpaceRestored& event);
void access_granted(Reduction& in, const schema::AccessGranted& event);
void access_changed(Reduction& in, const schema::AccessChanged& event);
void access_revoked(Reduction& in, const schema::AccessRevoked& event);
void resource_created(Reduction& in, const schema::ResourceCreated& event);
void resource_updated(Reduction& in, const schema::ResourceUpdated& event);
void resource_copied(Reduction& in, const schema::ResourceCopied& event);
void resource_deleted(Reduction& in, const schema::ResourceDeleted& event);

}  // namespace tenure::membership
