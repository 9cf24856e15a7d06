#include "engine/domain/guards.h"

namespace tenure {
namespace {

constexpr std::string_view kContract = "contract: ids and values";

template <class Map>
auto find_or_null(const Map& map, std::string_view key) -> const typename Map::mapped_type* {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

std::unexpected<Rejection> forbidden(const Caller& caller, const std::string& action) {
  std::string message = action + " is needed";
  RoleSet roles;
  if (const auto named = parse_action(action, caller.rulebook)) {
    for (size_t i = 0; i < caller.rulebook.organization_roles.size(); ++i) {
      const ActionSet& power = caller.rulebook.organization_roles[i].power;
      roles.set(i, named->plain ? power.has(*named->plain) : power.has(named->verb, named->type));
    }
  }
  message += roles.any() ? "; ask one of " + caller.rulebook.organization_role_names(roles)
                         : ", which no organization role has; ask a service that was given it";
  return reject(RejectionCode::forbidden, message,
                rule_of(caller, who(caller) + " lacks " + action));
}

}  // namespace

std::string who(const Caller& caller) {
  switch (caller.actor.kind) {
    case Actor::Kind::kUser:
      return caller.role().name;
    case Actor::Kind::kService:
      return "service:" + std::string(caller.actor.id);
    case Actor::Kind::kSystem:
      return "system";
  }
  return {};
}

std::string rule_of(const Caller& caller, std::string_view what) {
  return caller.rulebook.pinned_name + " " + std::string(what);
}

Verdict valid_id(std::string_view field, const flatbuffers::String* id) {
  if (is_valid_id(text(id))) return {};
  if (is_reserved(text(id))) {
    return reject(
        RejectionCode::invalid_id,
        std::string(field) + " " + in_quotes(text(id)) +
            " is reserved for the engine; choose one that does not begin with _ or system:",
        std::string(kContract));
  }
  return reject(RejectionCode::invalid_id,
                std::string(field) + " " + in_quotes(text(id)) +
                    " is not an id; use 1-128 of A-Z a-z 0-9 . _ : - without a prefix",
                std::string(kContract));
}

Verdict valid_org(const schema::CommandEnvelope& envelope) {
  if (!is_about_services(envelope.command_type())) return valid_id("org", envelope.org());
  if (text(envelope.org()) == kServicesOrganization) return {};
  return reject(RejectionCode::invalid_id,
                "services and their keys are managed in the organization " +
                    in_quotes(kServicesOrganization) + "; send this there",
                std::string(kContract));
}

Verdict valid_name(std::string_view field, const flatbuffers::String* name) {
  if (is_valid_name(text(name))) return {};
  return reject(RejectionCode::invalid_value,
                std::string(field) + " must be 1-200 characters without control characters",
                std::string(kContract));
}

Verdict valid_subject(const flatbuffers::String* subject) {
  for (const std::string_view prefix : {"user:", "group:"}) {
    if (text(subject).starts_with(prefix) && is_valid_id(text(subject).substr(prefix.size()))) {
      return {};
    }
  }
  return reject(RejectionCode::invalid_id,
                "subject " + in_quotes(text(subject)) + " must be user:<id> or group:<id>",
                std::string(kContract));
}

Verdict valid_size(std::string_view field, size_t size, size_t max) {
  if (size <= max) return {};
  return reject(RejectionCode::invalid_value,
                std::string(field) + " may have at most " + std::to_string(max) + " entries, not " +
                    std::to_string(size) + "; send fewer",
                std::string(kContract));
}

Verdict valid_roles(std::string_view field, const Texts* roles) {
  constexpr size_t kMaxRolesNamed = 64;
  return roles == nullptr ? Verdict{} : valid_size(field, roles->size(), kMaxRolesNamed);
}

Verdict is_sealed(std::string_view field, const schema::Sealed* sealed) {
  if (sealed == nullptr) return {};
  if (sealed->clear() == nullptr && sealed->subject() != nullptr && sealed->box() != nullptr) {
    return {};
  }
  return reject(RejectionCode::malformed,
                std::string(field) + " is personal text that is not sealed; leave it out",
                "contract: personal text is never stored in clear");
}

Actor actor_of(std::string_view name) {
  constexpr std::string_view kUser = "user:", kService = "service:";
  if (name.starts_with(kUser)) return {Actor::Kind::kUser, name.substr(kUser.size())};
  if (name.starts_with(kService)) return {Actor::Kind::kService, name.substr(kService.size())};
  return {Actor::Kind::kSystem, name};
}

Guarded<Actor> known_actor(const flatbuffers::String* actor) {
  const Actor named = actor_of(text(actor));
  if (named.kind == Actor::Kind::kSystem ? named.id == "system" : is_valid_id(named.id)) {
    return named;
  }
  return reject(RejectionCode::invalid_id,
                "actor " + in_quotes(text(actor)) + " must be user:<id> or service:<id>",
                std::string(kContract));
}

Guarded<std::string_view> known_billing_mode(const flatbuffers::String* mode) {
  if (mode == nullptr) return std::string_view("per_space");
  if (text(mode) == "per_space" || text(mode) == "consolidated") return text(mode);
  return reject(
      RejectionCode::invalid_value,
      "billing_mode " + in_quotes(text(mode)) + " is unknown; use per_space or consolidated",
      "contract: billing modes");
}

Guarded<const schema::Plan*> known_plan(const Catalog& catalog, std::string_view name) {
  if (const schema::Plan* plan = catalog.find(name)) return plan;
  return reject(RejectionCode::unknown_plan,
                "plan " + in_quotes(name) + " is unknown; the plans are " + catalog.plan_names(),
                "catalog: plans");
}

Verdict is_sold_to(const Caller& caller, const Catalog& catalog, const schema::Plan& plan) {
  const auto why_not = why_not_sold(catalog, plan, caller.organization.currency);
  if (!why_not) return {};
  return reject(RejectionCode::invalid_value, *why_not, "catalog: currency");
}

Verdict holds(const Caller& caller, Action action) {
  if (caller.actions.has(action)) return {};
  return forbidden(caller, std::string(action_name(action)));
}

Verdict holds_in_space(const SpaceCaller& caller, Action action) {
  if (caller.in_space.has(action)) return {};
  return forbidden(caller, std::string(action_name(action)));
}

Verdict holds_some(const SpaceCaller& caller, ResourceVerb verb) {
  for (size_t type = 0; type < caller.rulebook.resource_types.size(); ++type) {
    if (caller.in_space.has(verb, static_cast<TypeIndex>(type))) return {};
  }
  return forbidden(caller, std::string(verb_name(verb)));
}

Verdict holds_for_type(const SpaceCaller& caller, ResourceVerb verb, TypeIndex type) {
  if (caller.in_space.has(verb, type)) return {};
  return forbidden(caller,
                   std::string(verb_name(verb)) + ":" + caller.rulebook.resource_types[type].name);
}

Verdict may_end_groups(const Caller& caller) {
  TRY(holds(caller, Action::kGroupManage));
  if (!caller.role().non_destructive) return {};
  return reject(RejectionCode::forbidden,
                who(caller) + " may create groups and add to them, not end them; ask another",
                rule_of(caller, who(caller) + " is non-destructive"));
}

Verdict is_engine(const Incoming& in, std::string_view what) {
  if (in.actor.kind == Actor::Kind::kSystem) return {};
  return reject(RejectionCode::forbidden,
                std::string(what) + " by themselves; leave it to the engine",
                "general law 5: due work is the engine's own");
}

SpaceCaller caller_in(const Caller& caller, const Space* space, std::string_view space_id) {
  SpaceCaller there{caller, space, space_id, {}, caller.actions};
  if (caller.service != nullptr) {
    there.in_space =
        service_actions(*caller.service, caller.rulebook, caller.organization.id, space_id);
  }
  if (caller.actor.kind != Actor::Kind::kUser) return there;
  if (space != nullptr) there.grants = grants_of(caller.organization, *space, caller.actor.id);
  there.in_space = effective_actions(caller.rulebook, caller.role_index(), there.grants);
  return there;
}

Guarded<SpaceCaller> enter_space(const Caller& caller, std::string_view space) {
  const SpaceCaller entered =
      caller_in(caller, find_or_null(caller.organization.spaces, space), space);
  const bool user = caller.actor.kind == Actor::Kind::kUser;
  const bool sees_it = user ? entered.grants.any || sees_every_space(caller.role())
                            : caller.service == nullptr || entered.in_space.has(Action::kSpaceView);
  if (sees_it) return entered;
  return reject(RejectionCode::forbidden,
                "space " + in_quotes(space) + " is not open to you; ask to be given access",
                rule_of(caller, who(caller) + " sees a space only with access to it"));
}

Verdict exists(const SpaceCaller& caller) {
  if (caller.space != nullptr && caller.space->status != SpaceStatus::kDeleted) return {};
  return reject(RejectionCode::not_found,
                "there is no space " + in_quotes(caller.space_id) + "; create it, or check the id",
                rule_of(caller, "target exists"));
}

Verdict is_not_archived(const SpaceCaller& caller) {
  if (caller.space->status != SpaceStatus::kArchived) return {};
  return reject(RejectionCode::space_archived,
                "space " + in_quotes(caller.space_id) + " is archived; restore it first",
                rule_of(caller, "an archived space does not change"));
}

Verdict takes_more(const SpaceCaller& caller) {
  TRY(is_not_archived(caller));
  return is_not_in_debt(caller);
}

Verdict is_not_in_debt(const SpaceCaller& caller) {
  const DunningStep step = dunning_of(caller.organization, caller.space_id);
  if (step != DunningStep::kSuspended) return {};
  return reject(RejectionCode::suspended,
                "space " + in_quotes(caller.space_id) +
                    " is suspended for an invoice that is not paid; pay it, then send this again",
                rule_of(caller, "dunning: a suspended space takes nothing more"));
}

Verdict valid_amount(int64_t amount_minor) {
  if (amount_minor >= 1 && amount_minor <= kMaxMinor) return {};
  return reject(RejectionCode::invalid_value,
                "amount_minor must be 1 to " + std::to_string(kMaxMinor) + ", in minor units",
                std::string(kContract));
}

Guarded<const Member*> existing_member(const Caller& caller, std::string_view user) {
  if (const Member* member = find_or_null(caller.organization.members, user)) return member;
  return reject(RejectionCode::not_found,
                in_quotes(user) + " is not a member here; add them first, or check the id",
                rule_of(caller, "target exists"));
}

Verdict is_no_member(const Caller& caller, std::string_view user) {
  const Member* found = find_or_null(caller.organization.members, user);
  if (found == nullptr) return {};
  return reject(RejectionCode::already_member,
                in_quotes(user) + " is already " + caller.rulebook.role(found->role).name +
                    "; use ChangeRole to change that",
                rule_of(caller, "one membership a user"));
}

Guarded<const Group*> existing_group(const Caller& caller, std::string_view group) {
  if (const Group* found = find_or_null(caller.organization.groups, group)) return found;
  return reject(RejectionCode::not_found,
                "there is no group " + in_quotes(group) + "; create it, or check the id",
                rule_of(caller, "target exists"));
}

Guarded<RoleIndex> known_role(const Caller& caller, std::string_view name) {
  if (const auto role = caller.rulebook.organization_role(name)) return *role;
  return reject(RejectionCode::unknown_role,
                "role " + in_quotes(name) + " is unknown; the roles are " +
                    caller.rulebook.organization_role_names(RoleSet().set()),
                rule_of(caller, "organization roles"));
}

Verdict acts_on(const Caller& caller, std::string_view user, const Member& target) {
  if (caller.role().acts_on.test(target.role)) return {};
  const std::string& held = caller.rulebook.organization_roles[target.role].name;
  const RoleSet& below = caller.role().acts_on;
  return reject(RejectionCode::target_outranks_actor,
                in_quotes(user) + " is " + held + ", whom " + who(caller) +
                    " may not change or remove; ask somebody above",
                rule_of(caller, who(caller) + " acts on " +
                                    (below.any() ? caller.rulebook.organization_role_names(below)
                                                 : std::string("nobody"))));
}

Verdict assigns(const Caller& caller, RoleIndex role) {
  const RoleSet& assignable = caller.role().assigns;
  if (assignable.test(role)) return {};
  const std::string names = assignable.any() ? caller.rulebook.organization_role_names(assignable)
                                             : std::string("no role");
  return reject(RejectionCode::role_not_assignable,
                who(caller) + " may not give " + caller.rulebook.organization_roles[role].name +
                    "; choose from " + names,
                rule_of(caller, who(caller) + " assigns " + names));
}

Verdict gives_no_more_than_held(const Caller& caller, RoleIndex role) {
  if (caller.role().covers(caller.rulebook.organization_roles[role])) return {};
  return reject(RejectionCode::escalation,
                caller.rulebook.organization_roles[role].name +
                    " may do what you may not; nobody gives more than they hold",
                rule_of(caller, "general law 2: no escalation by " + who(caller)));
}

Verdict holds_owner_role(const Caller& caller, std::string_view to_do_what) {
  const RoleIndex owner = caller.rulebook.owner_role;
  if (caller.role_index() == owner) return {};
  const std::string& name = caller.rulebook.role(owner).name;
  return reject(RejectionCode::forbidden,
                "only " + name + " " + std::string(to_do_what) + "; ask one",
                rule_of(caller, "only " + name + " " + std::string(to_do_what)));
}

Verdict keeps_an_owner(const Caller& caller, const Member& leaving) {
  const RoleIndex owner = caller.rulebook.owner_role;
  if (leaving.role != owner || leaving.suspended || caller.organization.owners > 1) return {};
  const std::string& name = caller.rulebook.organization_roles[owner].name;
  return reject(RejectionCode::last_owner,
                "this is the last " + name + "; transfer the ownership first",
                rule_of(caller, "general law 3: never without a member who is " + name));
}

}  // namespace tenure
