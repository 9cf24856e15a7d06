#include "engine/domain/guards.h"

namespace tenure {

Guarded<RoleSet> known_space_roles(const Caller& caller, const Texts* names) {
  const auto known = [&] { return caller.rulebook.space_role_names(RoleSet().set()); };
  const size_t named = names == nullptr ? 0 : names->size();
  RoleSet roles;
  for (flatbuffers::uoffset_t i = 0; i < named; ++i) {
    const std::string_view name = text(names->Get(i));
    const auto role = caller.rulebook.space_role(name);
    if (!role) {
      return reject(RejectionCode::unknown_role,
                    "space role " + in_quotes(name) + " is unknown; the roles are " + known(),
                    rule_of(caller, "space roles"));
    }
    roles.set(*role);
  }
  // Built-in space roles are levels, one each; custom ones add up, and none may mean all.
  const bool fits = caller.rulebook.custom_space_roles
                        ? named > 0 || caller.rulebook.access_without_role_is_all
                        : named == 1;
  if (fits) return roles;
  return reject(RejectionCode::invalid_value,
                "access is given with exactly one of " + known() + "; name one",
                rule_of(caller, "space roles"));
}

Verdict assigns_in_space(const SpaceCaller& caller, const RoleSet& roles) {
  const RoleSet assignable =
      assigned_space_roles(caller.rulebook, caller.role_index(), caller.grants);
  if ((roles & ~assignable).none()) return {};
  const std::string names = caller.rulebook.space_role_names(assignable);
  return reject(RejectionCode::role_not_assignable,
                "you may not give " + caller.rulebook.space_role_names(roles & ~assignable) +
                    "; choose from " + (names.empty() ? std::string("no role") : names),
                rule_of(caller, caller.role().name + " assigns " + names));
}

Verdict acts_on_in_space(const SpaceCaller& caller, std::string_view subject, const RoleSet& held) {
  const RoleSet below = changeable_space_roles(caller.rulebook, caller.role_index(), caller.grants);
  if ((held & ~below).none()) return {};
  return reject(RejectionCode::target_outranks_actor,
                in_quotes(subject) + " has " + caller.rulebook.space_role_names(held) +
                    " there, which you may not change; ask somebody above",
                rule_of(caller, "acts on " + caller.rulebook.space_role_names(below)));
}

Verdict gives_no_more_than_held(const SpaceCaller& caller, const RoleSet& roles) {
  ActionSet given;
  if (roles.none()) given = caller.rulebook.every_resource_action;
  for (size_t i = 0; i < caller.rulebook.space_roles.size(); ++i) {
    if (roles.test(i)) given |= caller.rulebook.space_roles[i].actions;
  }
  if (caller.in_space.contains(given)) return {};
  return reject(RejectionCode::escalation,
                caller.rulebook.space_role_names(roles) +
                    " may do what you may not; nobody gives more than they hold",
                rule_of(caller, "general law 2: no escalation by " + caller.role().name));
}

Verdict leaves_no_more(const SpaceCaller& caller, std::string_view user, std::string_view subject) {
  if (!caller.rulebook.access_without_role_is_all) return {};
  const ActionSet& all = caller.rulebook.every_resource_action;
  if (caller.in_space.contains(all)) return {};  // before what takes a look-up a user
  const SpaceGrants before = grants_of(caller.organization, *caller.space, user);
  const SpaceGrants after = grants_of(caller.organization, *caller.space, user, subject);
  if (before.roles.none() || !after.any || after.roles.any()) return {};
  ActionSet held = caller.in_space;
  for (size_t i = 0; i < caller.rulebook.space_roles.size(); ++i) {
    if (before.roles.test(i)) held |= caller.rulebook.space_roles[i].actions;
  }
  if (held.contains(all)) return {};
  return reject(RejectionCode::escalation,
                in_quotes(user) +
                    " would be left with access that names no role, which is all, and "
                    "you hold less; ask somebody who holds all there",
                rule_of(caller, "general law 2: no escalation by " + who(caller)));
}

Verdict has_no_grant(const SpaceCaller& caller, std::string_view subject) {
  if (!caller.space->access.contains(subject)) return {};
  return reject(
      RejectionCode::already_exists,
      in_quotes(subject) + " has access to this space already; use ChangeAccess to change it",
      rule_of(caller, "one direct grant a subject and space"));
}

}  // namespace tenure
