#include <algorithm>

#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

// Where each role of the old rulebook is in the new one, by its name or what that was mapped to.
// kNoRole: nowhere, so nobody holds it.
template <class Roles, class Find>
std::vector<RoleIndex> moved(const Roles& roles, const schema::RulebookAdopted& event, Find find) {
  std::vector<RoleIndex> to;
  to.reserve(roles.size());
  for (const auto& role : roles) {
    std::string_view name = role.name;
    if (event.map() != nullptr) {
      for (const schema::Mapping* mapping : *event.map()) {
        if (text(mapping->key()) == role.name) name = text(mapping->value());
      }
    }
    to.push_back(find(name).value_or(kNoRole));
  }
  return to;
}

void move(AccessRoles& roles, const std::vector<RoleIndex>& to) {
  for (RoleIndex& role : roles) role = to[role];
  std::ranges::sort(roles);
  const auto doubles = std::ranges::unique(roles);
  roles.erase(doubles.begin(), doubles.end());
}

void move_space_roles(Organization& organization, const std::vector<RoleIndex>& to) {
  for (auto& [id, space] : organization.spaces) {
    for (auto& [subject, roles] : space.access) move(roles, to);
  }
  for (auto& [id, invitation] : organization.invitations) move(invitation.space_roles, to);
}

void move_resource_types(Organization& organization, const Rulebook& from, const Rulebook& to) {
  for (auto& [id, space] : organization.spaces) {
    for (auto& [resource, held] : space.resources) {
      const auto type = to.resource_type(from.resource_types[held.type].name);
      CHECK(type || held.deleted);
      held.type = type.value_or(0);  // of one that is deleted, only the version counts
    }
  }
}

}  // namespace

std::shared_ptr<const Rulebook> keeping_space_roles(const Rulebook& from,
                                                    std::shared_ptr<const Rulebook> to) {
  if (!to->custom_space_roles) return to;
  for (const SpaceRole& role : from.space_roles) {
    if (!role.custom || to->space_role(role.name)) continue;
    ActionSet actions;
    for (const std::string& name : action_names(role.actions, from)) {
      actions.add(name, *to);
    }
    to = with_space_role(*to, role.name, actions);
  }
  return to;
}

void evolve(Organization& organization, const schema::RulebookAdopted& event,
            const Happened& happened) {
  const std::shared_ptr<const Rulebook> from = organization.rulebook;
  const auto adopted = happened.rulebooks.adoptable(text(event.rulebook()));
  CHECK(adopted.has_value());
  const std::shared_ptr<const Rulebook> to = keeping_space_roles(*from, *adopted);

  const auto roles = moved(from->organization_roles, event,
                           [&](std::string_view name) { return to->organization_role(name); });
  organization.owners = 0;
  for (auto& [user, member] : organization.members) {
    member.role = roles[member.role];
    organization.owners += member.role == to->owner_role && !member.suspended;
  }
  for (auto& [id, invitation] : organization.invitations) {
    if (invitation.role != kNoRole) invitation.role = roles[invitation.role];
  }
  move_space_roles(organization, moved(from->space_roles, event, [&](std::string_view name) {
                     return to->space_role(name);
                   }));
  move_resource_types(organization, *from, *to);
  organization.rulebook = to;
  organization.rulebook_text.clear();
  if (!Rulebooks::is_text(text(event.rulebook()))) return;
  organization.rulebook_text = text(event.rulebook());
  organization.adopted.try_emplace(to->pinned_name, text_fingerprint(organization.rulebook_text));
}

void evolve(Organization& organization, const schema::SpaceRoleDefined& event, const Happened&) {
  const Rulebook& rulebook = *organization.rulebook;
  ActionSet actions;
  for (const auto* name : *event.actions()) {
    const bool known = actions.add(text(name), rulebook);
    CHECK(known);
  }
  organization.rulebook = with_space_role(rulebook, text(event.role()), actions);
}

void evolve(Organization& organization, const schema::SpaceRoleDeleted& event, const Happened&) {
  const auto gone = organization.rulebook->space_role(text(event.role()));
  if (!gone || !organization.rulebook->space_roles[*gone].custom) return;
  std::vector<RoleIndex> to;
  to.reserve(organization.rulebook->space_roles.size());
  for (size_t role = 0; role < organization.rulebook->space_roles.size(); ++role) {
    to.push_back(static_cast<RoleIndex>(role - (role > *gone)));
  }
  move_space_roles(organization, to);
  organization.rulebook = without_space_role(*organization.rulebook, *gone);
}

}  // namespace tenure
