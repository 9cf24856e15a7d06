// Guards: each looks at one thing and has one rejection. Handlers chain them with TRY in the order
// of RULES ("Guard order"); the first to fail answers. Nothing is built unless a guard refuses.
#pragma once

#include <string_view>

#include "engine/domain/access.h"
#include "engine/domain/decide.h"
#include "engine/domain/rejections.h"
#include "engine/domain/text.h"

namespace tenure {

template <class T>
using Guarded = Expected<T, Rejection>;

// A command as it came in: its actor understood, nothing looked up yet.
struct Actor {
  enum class Kind : uint8_t { kUser, kService, kSystem };
  Kind kind;
  std::string_view id;  // bare
};
struct Incoming {
  const Organization* organization;  // null where none exists
  const schema::CommandEnvelope& envelope;
  const DecideContext& context;
  Actor actor;
};

// An actor who belongs to the organization.
struct Caller {
  const Organization& organization;
  const Rulebook& rulebook;
  Actor actor;
  const Member* member;              // null for guests, the invited, services and the system
  ActionSet actions;                 // in the organization itself
  const Service* service = nullptr;  // what a service was granted; null: nothing, or no service

  RoleIndex role_index() const { return member == nullptr ? kNoRole : member->role; }
  const OrganizationRole& role() const { return rulebook.role(role_index()); }
};

// A caller and the space they named, which is visible to them or theirs to hear that it is not
// there.
struct SpaceCaller : Caller {
  const Space* space;  // null where none exists
  std::string_view space_id;
  SpaceGrants grants;
  ActionSet in_space;
};

// Who or what the caller is, for messages: "EVALUATOR", "service:x".
std::string who(const Caller& caller);

// The rule that refused, under the version of the rulebook: "space@1 <what>".
std::string rule_of(const Caller& caller, std::string_view what);

// Ids and values, before anything is looked up. `field` names the place.
Verdict valid_id(std::string_view field, const flatbuffers::String* id);
Verdict valid_org(const schema::CommandEnvelope& envelope);  // the organization that it is for
Verdict valid_name(std::string_view field, const flatbuffers::String* name);
Verdict valid_subject(const flatbuffers::String* subject);
Verdict valid_size(std::string_view field, size_t size, size_t max);
Verdict valid_roles(std::string_view field, const Texts* roles);          // not too many
Verdict is_sealed(std::string_view field, const schema::Sealed* sealed);  // or absent
Guarded<Actor> known_actor(const flatbuffers::String* actor);
Guarded<std::string_view> known_billing_mode(const flatbuffers::String* mode);  // or per_space
Guarded<const schema::Plan*> known_plan(const Catalog& catalog, std::string_view name);
Verdict is_sold_to(const Caller& caller, const Catalog& catalog, const schema::Plan& plan);

// admit.cc: expected_version, organization exists, actor belongs: a member who is not suspended, a
// guest or somebody invited; and came by the sign-in that the organization enforces.
Verdict at_expected_version(const Incoming& in);
Guarded<Caller> admit(const Incoming& in);
Guarded<Caller> admit_to_deleted(const Incoming& in);  // the same, of a deleted organization
Verdict manages_services(const Incoming& in);      // the same, of `_tenure`; and may do all there
Guarded<Caller> admit_to_any(const Incoming& in);  // or of either: debts outlive it

// Whoever sent a stored command: `user:x`, `service:y` or `system`; and what they may now, whether
// they belong or not.
Actor actor_of(std::string_view name);
bool is_admin(const Actor& actor);  // service:admin
Caller caller_of(const Organization& organization, const Actor& actor, const Services* services);
Verdict is_not_suspended(const Caller& caller);

// Due work: the engine's own. `what`: "checkouts expire".
Verdict is_engine(const Incoming& in, std::string_view what);

// What the same caller holds in a space, unless `space` is null, where there is none of the id.
SpaceCaller caller_in(const Caller& caller, const Space* space, std::string_view space_id);

// Actions held. `holds_some`: the action on at least one type of resource.
Verdict holds(const Caller& caller, Action action);
Verdict holds_in_space(const SpaceCaller& caller, Action action);
Verdict holds_some(const SpaceCaller& caller, ResourceVerb verb);
Verdict holds_for_type(const SpaceCaller& caller, ResourceVerb verb, TypeIndex type);
Verdict may_end_groups(const Caller& caller);  // holds(group.manage) and not non-destructive

// Money, in minor units: 1 to kMaxMinor.
Verdict valid_amount(int64_t amount_minor);

// What exists.
Guarded<SpaceCaller> enter_space(const Caller& caller, std::string_view space);  // visible?
Verdict exists(const SpaceCaller& caller);           // and is not deleted
Verdict is_not_archived(const SpaceCaller& caller);  // state: after all who and whether
Verdict is_not_in_debt(const SpaceCaller& caller);   // so far that it is suspended
Verdict takes_more(const SpaceCaller& caller);       // both
Guarded<const Member*> existing_member(const Caller& caller, std::string_view user);
Verdict is_no_member(const Caller& caller, std::string_view user);  // state: can be made one
Guarded<const Group*> existing_group(const Caller& caller, std::string_view group);
Guarded<RoleIndex> known_role(const Caller& caller, std::string_view name);

// Who may change whom into what.
Verdict acts_on(const Caller& caller, std::string_view user, const Member& target);
Verdict assigns(const Caller& caller, RoleIndex role);
Verdict gives_no_more_than_held(const Caller& caller, RoleIndex role);
Verdict holds_owner_role(const Caller& caller, std::string_view to_do_what);
Verdict keeps_an_owner(const Caller& caller, const Member& leaving);

// Space roles: known and as many as one may hold (`names` null: none), assignable, changeable, and
// within what the caller holds there.
Guarded<RoleSet> known_space_roles(const Caller& caller, const Texts* names);
Verdict assigns_in_space(const SpaceCaller& caller, const RoleSet& roles);
Verdict acts_on_in_space(const SpaceCaller& caller, std::string_view subject, const RoleSet& held);
Verdict gives_no_more_than_held(const SpaceCaller& caller, const RoleSet& roles);
Verdict has_no_grant(const SpaceCaller& caller, std::string_view subject);  // a direct one
// That no user is left with more in the space, and more than the caller holds, once `subject` has
// no grant any more: where access that names no role means all, a grant that names one narrows.
Verdict leaves_no_more(const SpaceCaller& caller, std::string_view user, std::string_view subject);

}  // namespace tenure
