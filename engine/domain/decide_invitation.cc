#include <algorithm>

#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/meters.h"

namespace tenure {
namespace {

constexpr uint64_t kDayS = 86'400, kDefaultExpiryS = 7 * kDayS, kMaxExpiryS = 365 * kDayS;

// Where an invitation leads: to a role in the organization, or to a space and roles there.
struct Offer {
  RoleIndex role = kNoRole;
  std::optional<SpaceCaller> there;
  RoleSet space_roles;
};

uint64_t expires_in_s(const schema::InviteMember& command) {
  return command.expires_in_s().value_or(kDefaultExpiryS);
}

Verdict valid_offer(const schema::InviteMember& command) {
  const bool to_organization = command.role() != nullptr;
  if (to_organization == (command.space() != nullptr) ||
      (to_organization && command.space_roles() != nullptr)) {
    return reject(RejectionCode::invalid_value,
                  "invite either to the organization by a role, or to a space with space_roles",
                  "contract: an invitation is to one of both");
  }
  if (!to_organization) TRY(valid_id("space", command.space()));
  TRY(valid_roles("space_roles", command.space_roles()));
  if (expires_in_s(command) >= 1 && expires_in_s(command) <= kMaxExpiryS) return {};
  return reject(RejectionCode::invalid_value,
                "expires_in_s must be 1 s to 365 days; leave it out for 7 days",
                "contract: an invitation expires");
}

Verdict joins_by_invitation(const Caller& caller) {
  if (caller.rulebook.invitation_join) return {};
  return reject(RejectionCode::forbidden, "nobody is invited here; add them with AddMember",
                rule_of(caller, "joins directly"));
}

Verdict may_invite(const Caller& caller, const Offer& offer) {
  return offer.there ? holds_in_space(*offer.there, Action::kAccessManage)
                     : holds(caller, Action::kMemberAdd);
}

Verdict may_give(const Caller& caller, const Offer& offer) {
  if (offer.there) {
    TRY(assigns_in_space(*offer.there, offer.space_roles));
    return gives_no_more_than_held(*offer.there, offer.space_roles);
  }
  TRY(assigns(caller, offer.role));
  return gives_no_more_than_held(caller, offer.role);
}

// What the command offers, once the caller may invite to it at all.
Guarded<Offer> known_offer(const Caller& caller, const schema::InviteMember& command) {
  Offer offer;
  if (command.space() != nullptr) {
    offer.there.emplace(TRY(enter_space(caller, text(command.space()))));
  }
  TRY(may_invite(caller, offer));
  TRY(joins_by_invitation(caller));
  if (!offer.there) {
    offer.role = TRY(known_role(caller, text(command.role())));
    return offer;
  }
  offer.space_roles = TRY(known_space_roles(caller, command.space_roles()));
  TRY(exists(*offer.there));
  return offer;
}

// What an invitation that was sent offers, to whoever looks at it.
Offer offer_of(const Caller& caller, const Invitation& invitation) {
  Offer offer{.role = invitation.role, .there = {}, .space_roles = {}};
  if (invitation.space.str().empty()) return offer;
  const auto space = caller.organization.spaces.find(std::string_view(invitation.space));
  offer.there.emplace(caller_in(caller, &space->second, invitation.space.str()));
  for (const RoleIndex role : invitation.space_roles) offer.space_roles.set(role);
  return offer;
}

// That the user can still be given it, who has nothing of the kind yet.
Verdict can_have(const Caller& caller, const Offer& offer, std::string_view user) {
  if (!offer.there) return is_no_member(caller, user);
  if (!caller.rulebook.space_guests) (void)TRY(existing_member(caller, user));
  TRY(has_no_grant(*offer.there, SubjectKey::user(user)));
  return takes_more(*offer.there);
}

bool is_over(const Invitation& invitation, Time now) {
  return invitation.expired || now >= invitation.expires;
}

Verdict is_free(const Caller& caller, std::string_view id, Time now) {
  const auto found = caller.organization.invitations.find(id);
  if (found == caller.organization.invitations.end() || is_over(found->second, now)) return {};
  return reject(RejectionCode::already_exists,
                "invitation " + in_quotes(id) + " is pending; choose another id, or revoke it",
                rule_of(caller, "one invitation an id"));
}

Verdict is_pending(const Caller& caller, const Invitation& invitation, Time now) {
  if (!is_over(invitation, now)) return {};
  return reject(RejectionCode::invitation_expired,
                "the invitation has expired; ask for another one",
                rule_of(caller, "an invitation expires"));
}

std::unexpected<Rejection> no_invitation(const Caller& caller, std::string_view id) {
  return reject(
      RejectionCode::not_found,
      "there is no invitation " + in_quotes(id) + "; it was answered or revoked, or check the id",
      rule_of(caller, "target exists"));
}

const Invitation* find_invitation(const Caller& caller, std::string_view id) {
  const auto found = caller.organization.invitations.find(id);
  return found == caller.organization.invitations.end() ? nullptr : &found->second;
}

// One to the caller: others' invitations are not there for them.
Guarded<const Invitation*> own_invitation(const Caller& caller, std::string_view id) {
  const Invitation* found = find_invitation(caller, id);
  const bool own =
      found != nullptr && caller.actor.kind == Actor::Kind::kUser && found->user == caller.actor.id;
  if (!own) return no_invitation(caller, id);
  return found;
}

bool manages_access_somewhere(const Caller& caller) {
  return std::ranges::any_of(caller.organization.spaces, [&](const auto& space) {
    return caller_in(caller, &space.second, space.first.str()).in_space.has(Action::kAccessManage);
  });
}

// The inviter's authority counts when it is used, not when it was sent.
Verdict inviter_may_still(const Caller& caller, const Invitation& invitation,
                          const Services* services) {
  const auto refuses = [&](const Caller& inviter) -> Verdict {
    TRY(is_not_suspended(inviter));
    const Offer offer = offer_of(inviter, invitation);
    TRY(may_invite(inviter, offer));
    TRY(joins_by_invitation(inviter));
    return may_give(inviter, offer);
  };
  if (refuses(caller_of(caller.organization, actor_of(invitation.inviter), services))) return {};
  return reject(RejectionCode::inviter_lacks_authority,
                "whoever invited you may not invite to this any more; ask for another invitation",
                rule_of(caller, "general law 4: an invitation is worth what its sender may do"));
}

// A pending one of the same user to the same place, unless it gives up its id to the new one.
void revoke_replaced(const Caller& caller, const schema::InviteMember& command, EventSink& events) {
  if (!caller.organization.invitations_of.contains(text(command.user()))) return;
  const Invitation* of_same_id = find_invitation(caller, text(command.invitation()));
  const auto is_replaced = [&](const Invitation& held) {
    return &held != of_same_id && held.user == text(command.user()) &&
           held.space == text(command.space());
  };
  revoke_invitations(caller.organization, is_replaced, events);
}

}  // namespace

Verdict decide(const Incoming& in, const schema::InviteMember& command, EventSink& events) {
  TRY(valid_id("invitation", command.invitation()));
  TRY(valid_id("user", command.user()));
  TRY(is_sealed("email", command.email()));
  TRY(valid_offer(command));
  const Caller caller = TRY(admit(in));
  const Offer offer = TRY(known_offer(caller, command));
  TRY(may_give(caller, offer));
  TRY(can_have(caller, offer, text(command.user())));
  TRY(is_free(caller, text(command.invitation()), in.context.now));

  auto& builder = events.builder();
  const auto invitation = builder.CreateString(command.invitation());
  const auto user = builder.CreateString(command.user());
  const auto email = copy_sealed(builder, command.email());
  const auto role = copy_text(builder, command.role());
  const auto space = copy_text(builder, command.space());
  const auto space_roles =
      offer.there ? space_role_texts(builder, caller.rulebook, offer.space_roles) : TextsOffset();
  const Time expires = in.context.now + std::chrono::seconds(expires_in_s(command));
  events.add(schema::CreateMemberInvited(builder, invitation, user, email, command.expires_in_s(),
                                         role, space, space_roles, to_micros(expires)));
  revoke_replaced(caller, command, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::AcceptInvitation& command, EventSink& events) {
  TRY(valid_id("invitation", command.invitation()));
  const Caller caller = TRY(admit(in));
  const Invitation* invitation = TRY(own_invitation(caller, text(command.invitation())));
  TRY(is_pending(caller, *invitation, in.context.now));
  TRY(inviter_may_still(caller, *invitation, in.context.services));
  const Offer offer = offer_of(caller, *invitation);
  TRY(can_have(caller, offer, caller.actor.id));
  std::optional<Rise> members;
  if (offer.there) {
    members = TRY(members_rise(in.context.now, *offer.there, offer.there->grants.any ? 0 : 1));
  }

  auto& builder = events.builder();
  const auto id = builder.CreateString(command.invitation());
  const auto user = builder.CreateString(caller.actor.id);
  events.add(schema::CreateInvitationAccepted(builder, id, user));
  if (!offer.there) {
    const std::string& role = caller.rulebook.role(offer.role).name;
    events.add(schema::CreateMemberAdded(builder, user, builder.CreateString(role)));
    return {};
  }
  const auto space = builder.CreateString(offer.there->space_id);
  const auto subject = builder.CreateString(in.envelope.actor());
  events.add(schema::CreateAccessGranted(
      builder, space, subject, space_role_texts(builder, caller.rulebook, offer.space_roles)));
  tell_crossed(*offer.there, *members, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::DeclineInvitation& command, EventSink& events) {
  TRY(valid_id("invitation", command.invitation()));
  const Caller caller = TRY(admit(in));
  const Invitation* invitation = TRY(own_invitation(caller, text(command.invitation())));
  TRY(is_pending(caller, *invitation, in.context.now));

  auto& builder = events.builder();
  const auto id = builder.CreateString(command.invitation());
  events.add(schema::CreateInvitationDeclined(builder, id, builder.CreateString(caller.actor.id)));
  return {};
}

Verdict decide(const Incoming& in, const schema::RevokeInvitation& command, EventSink& events) {
  TRY(valid_id("invitation", command.invitation()));
  const Caller caller = TRY(admit(in));
  // Only those who invite at all learn that there is none, or none to where they may invite.
  if (!manages_access_somewhere(caller)) TRY(holds(caller, Action::kMemberAdd));
  const Invitation* invitation = find_invitation(caller, text(command.invitation()));
  if (invitation == nullptr) return no_invitation(caller, text(command.invitation()));
  const Offer offer = offer_of(caller, *invitation);
  if (!may_invite(caller, offer)) return no_invitation(caller, text(command.invitation()));
  TRY(is_pending(caller, *invitation, in.context.now));
  TRY(may_give(caller, offer));

  auto& builder = events.builder();
  const auto id = builder.CreateString(command.invitation());
  events.add(
      schema::CreateInvitationRevoked(builder, id, builder.CreateString(invitation->user.str())));
  return {};
}

// Due work is never refused: an invitation that was answered leaves nothing to do.
Verdict decide(const Incoming& in, const schema::ExpireInvitation& command, EventSink& events) {
  TRY(is_engine(in, "invitations expire"));
  if (in.organization == nullptr) return {};
  const auto found = in.organization->invitations.find(text(command.invitation()));
  if (found == in.organization->invitations.end()) return {};
  if (found->second.expired || in.context.now < found->second.expires) return {};

  auto& builder = events.builder();
  const auto id = builder.CreateString(command.invitation());
  events.add(
      schema::CreateInvitationExpired(builder, id, builder.CreateString(found->second.user.str())));
  return {};
}

}  // namespace tenure
