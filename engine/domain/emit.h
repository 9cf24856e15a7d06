// Pieces of events that more than one command leaves.
#pragma once

#include <set>
#include <string_view>

#include "engine/domain/guards.h"

namespace tenure {

using TextsOffset = flatbuffers::Offset<Texts>;

// The names of the roles, highest first.
TextsOffset space_role_texts(flatbuffers::FlatBufferBuilder& builder, const Rulebook& rulebook,
                             const RoleSet& roles);

// The same in another buffer; null stays null. A copied Sealed is one that passed is_sealed().
TextsOffset copy_texts(flatbuffers::FlatBufferBuilder& builder, const Texts* texts);
flatbuffers::Offset<flatbuffers::String> copy_text(flatbuffers::FlatBufferBuilder& builder,
                                                   const flatbuffers::String* text);

flatbuffers::Offset<schema::Sealed> copy_sealed(flatbuffers::FlatBufferBuilder& builder,
                                                const schema::Sealed* sealed);

// AccessRevoked for every space where the subject has direct access, in the order of their ids.
void revoke_everywhere(const Organization& organization, std::string_view subject,
                       EventSink& events);

// InvitationRevoked for every invitation that can still be accepted and fits, in the order of ids.
template <class Fits>
void revoke_invitations(const Organization& organization, Fits fits, EventSink& events) {
  std::set<std::string_view> ids;
  for (const auto& [id, invitation] : organization.invitations) {
    if (!invitation.expired && fits(invitation)) ids.insert(id.str());
  }
  auto& builder = events.builder();
  for (const std::string_view id : ids) {
    const auto text = builder.CreateString(id);
    const Invitation& held = organization.invitations.find(id)->second;
    events.add(
        schema::CreateInvitationRevoked(builder, text, builder.CreateString(held.user.str())));
  }
}

}  // namespace tenure
