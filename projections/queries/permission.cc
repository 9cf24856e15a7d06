#include "projections/queries/permission.h"

#include "engine/base/check.h"
#include "projections/queries/rulebook_cache.h"

namespace tenure {
namespace {

std::shared_ptr<const Rulebook> with_own_roles(std::shared_ptr<const Rulebook> rulebook,
                                               const schema::RulebookRow& own) {
  if (!rulebook->custom_space_roles || own.space_roles() == nullptr) return rulebook;
  for (const schema::CustomSpaceRole* role : *own.space_roles()) {
    const auto held = rulebook->space_role(role->role()->string_view());
    if (held && !rulebook->space_roles[*held].custom) continue;  // a built-in one took the name
    ActionSet actions;
    for (const auto* name : *role->actions()) actions.add(name->string_view(), *rulebook);
    rulebook = with_space_role(*rulebook, role->role()->string_view(), actions);
  }
  return rulebook;
}

}  // namespace

SpaceGrants composed(const std::vector<Grant>& grants) {
  SpaceGrants together;
  for (const Grant& grant : grants) {
    together.any = true;
    together.roles |= grant.roles;
  }
  return together;
}

bool is_deleted(const schema::SpaceRow& row) { return row.status()->string_view() == "deleted"; }

// The rulebook that the organization's row names, or the text that was adopted, with the space
// roles of its own, as far as the rulebook lets them.
Result<void> OrganizationRows::compose_rulebook(const QueryContext& context) {
  const std::string_view pinned = row().rulebook()->string_view();
  rulebook_ = context.rulebooks.find(pinned);
  const auto number = row().rules_number();
  if (number) {
    if (context.compiled != nullptr) rulebook_ = context.compiled->find(org_, *number);
    if (context.compiled != nullptr && rulebook_ != nullptr) return {};
    if (!TRY(view_->get(Family::kMembership, keys_.rulebook(), scratch_))) {
      return fail(ErrorKind::kCorrupt,
                  "organization " + org_ + " has no rulebook row; rebuild the read models");
    }
    const auto& own = scratch_.as<schema::RulebookRow>();
    rulebook_ = own.text() == nullptr ? context.rulebooks.find(pinned)
                                      : TRY(context.rulebooks.adoptable(own.text()->string_view()));
    if (rulebook_ != nullptr) rulebook_ = with_own_roles(std::move(rulebook_), own);
    if (context.compiled != nullptr && rulebook_ != nullptr) {
      context.compiled->keep(org_, *number, rulebook_);
    }
  }
  if (rulebook_ != nullptr) return {};
  return fail(ErrorKind::kUnsupported, "organization " + org_ + " has the rulebook " +
                                           std::string(pinned) + ", which is not loaded here");
}

Result<std::optional<OrganizationRows>> OrganizationRows::find(const QueryContext& context,
                                                               const RowView& view,
                                                               std::string_view org) {
  OrganizationRows found(view, org);
  if (org.empty() || !TRY(view.get(Family::kMembership, found.keys_.organization(), found.row_))) {
    return std::nullopt;
  }
  TRY(found.compose_rulebook(context));
  return found;
}

Membership OrganizationRows::read_membership(const schema::MemberRow& row) const {
  std::optional<RoleIndex> role = rulebook_->organization_role(row.role()->string_view());
  CHECK(role);  // decided under this rulebook
  Membership membership{.role = *role,
                        .suspended = row.status()->string_view() == "suspended",
                        .since = row.since(),
                        .number = row.number(),
                        .groups = {},
                        .row = {}};
  if (row.groups() == nullptr) return membership;
  for (const schema::UserGroup* group : *row.groups()) {
    membership.groups.push_back({group->group()->str(), group->number()});
  }
  return membership;
}

Result<std::optional<Membership>> OrganizationRows::membership(std::string_view user) {
  Row row;
  if (!TRY(view_->get(Family::kMembership, keys_.member(user), row))) return std::nullopt;
  Membership membership = read_membership(row.as<schema::MemberRow>());
  membership.row = std::move(row);
  return membership;
}

Result<bool> OrganizationRows::has_grants(std::string_view user) {
  auto cursor = view_->scan(Family::kMembership, keys_.subject_spaces(SubjectKey::user(user)));
  const bool any = cursor->valid();
  TRY(cursor->status());
  return any;
}

Result<std::optional<Membership>> OrganizationRows::standing(std::string_view user) {
  if (row().status()->string_view() == "deleted") return std::nullopt;
  std::optional<Membership> membership = TRY(this->membership(user));
  if (membership && membership->suspended) return std::nullopt;
  if (membership || !TRY(has_grants(user))) return membership;
  return Membership{};
}

Result<const schema::SpaceRow*> OrganizationRows::space(std::string_view space, Row& row) {
  if (space.empty() || !TRY(view_->get(Family::kMembership, keys_.space(space), row))) {
    return nullptr;
  }
  return &row.as<schema::SpaceRow>();
}

RoleSet OrganizationRows::space_roles(const Texts& names) const {
  RoleSet roles;
  for (const auto* name : names) {
    std::optional<RoleIndex> role = rulebook_->space_role(name->string_view());
    CHECK(role);  // decided under this rulebook
    roles.set(*role);
  }
  return roles;
}

template <class HolderRow>
Result<std::optional<OrganizationRows::Held>> OrganizationRows::held_in(std::string_view space,
                                                                        std::string_view subject,
                                                                        const HolderRow* holder) {
  if (holder != nullptr && holder->grants() != nullptr) {
    for (const schema::HeldGrant* grant : *holder->grants()) {
      if (grant->space()->string_view() == space) {
        return Held{space_roles(*grant->roles()), grant->number()};
      }
    }
  }
  if (holder != nullptr && !holder->grants_elsewhere()) return std::nullopt;
  if (!TRY(view_->get(Family::kMembership, keys_.access(space, subject), scratch_))) {
    return std::nullopt;
  }
  const auto& row = scratch_.as<schema::AccessRow>();
  return Held{space_roles(*row.roles()), row.number()};
}

Result<std::optional<OrganizationRows::Held>> OrganizationRows::group_grant(
    std::string_view group, std::string_view space) {
  if (!TRY(view_->get(Family::kMembership, keys_.group(group), scratch_))) return std::nullopt;
  return held_in(space, SubjectKey::group(group), &scratch_.as<schema::GroupRow>());
}

Result<std::vector<Grant>> OrganizationRows::grants(std::string_view user,
                                                    const Membership& membership,
                                                    std::string_view space) {
  std::vector<Grant> grants;
  const auto* row = membership.row.empty() ? nullptr : &membership.row.as<schema::MemberRow>();
  const SubjectKey oneself = SubjectKey::user(user);
  if (const auto held = TRY(held_in(space, oneself, row))) {
    grants.push_back({std::string(oneself), held->roles, held->number, 0});
  }
  for (const Membership::Group& group : membership.groups) {
    if (const auto held = TRY(group_grant(group.id, space))) {
      grants.push_back(
          {std::string(SubjectKey::group(group.id)), held->roles, held->number, group.number});
    }
  }
  return grants;
}

}  // namespace tenure
