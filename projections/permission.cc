#include "projections/permission.h"

#include "engine/base/check.h"

namespace tenure {

SpaceGrants composed(const std::vector<Grant>& grants) {
  SpaceGrants together;
  for (const Grant& grant : grants) {
    together.any = true;
    together.roles |= grant.roles;
  }
  return together;
}

Result<std::optional<OrganizationRows>> OrganizationRows::find(const RowView& view,
                                                               const Rulebooks& rulebooks,
                                                               std::string_view org) {
  OrganizationRows found(view, org);
  if (org.empty() || !TRY(view.get(Family::kMembership, found.keys_.organization(), found.row_))) {
    return std::nullopt;
  }
  std::string_view pinned = found.row().rulebook()->string_view();
  found.rulebook_ = rulebooks.find(pinned);
  if (found.rulebook_ == nullptr) {
    return fail(ErrorKind::kUnsupported, "organization " + found.org_ + " has the rulebook " +
                                             std::string(pinned) + ", which is not loaded here");
  }
  return found;
}

Membership OrganizationRows::read_membership(const schema::MemberRow& row) const {
  std::optional<RoleIndex> role = rulebook_->organization_role(row.role()->string_view());
  CHECK(role);  // decided under this rulebook
  Membership membership{*role, row.since(), row.number(), {}};
  if (row.groups() == nullptr) return membership;
  for (const schema::UserGroup* group : *row.groups()) {
    membership.groups.push_back({group->group()->str(), group->number()});
  }
  return membership;
}

Result<std::optional<Membership>> OrganizationRows::membership(std::string_view user) {
  if (!TRY(view_->get(Family::kMembership, keys_.member(user), scratch_))) return std::nullopt;
  return read_membership(scratch_.as<schema::MemberRow>());
}

Result<const schema::SpaceRow*> OrganizationRows::space(std::string_view space, Row& row) {
  if (space.empty() || !TRY(view_->get(Family::kMembership, keys_.space(space), row))) {
    return nullptr;
  }
  return &row.as<schema::SpaceRow>();
}

RoleSet OrganizationRows::space_roles(const schema::AccessRow& row) const {
  RoleSet roles;
  for (const auto* name : *row.roles()) {
    std::optional<RoleIndex> role = rulebook_->space_role(name->string_view());
    CHECK(role);  // decided under this rulebook
    roles.set(*role);
  }
  return roles;
}

Result<void> OrganizationRows::add_grant(std::string_view subject, std::string_view space,
                                         uint64_t joined, std::vector<Grant>& grants) {
  if (!TRY(view_->get(Family::kMembership, keys_.access(space, subject), scratch_))) return {};
  const auto& row = scratch_.as<schema::AccessRow>();
  grants.push_back({std::string(subject), space_roles(row), row.number(), joined});
  return {};
}

Result<std::vector<Grant>> OrganizationRows::grants(std::string_view user,
                                                    const Membership& membership,
                                                    std::string_view space) {
  std::vector<Grant> grants;
  TRY(add_grant(SubjectKey::user(user), space, 0, grants));
  for (const Membership::Group& group : membership.groups) {
    TRY(add_grant(SubjectKey::group(group.id), space, group.number, grants));
  }
  return grants;
}

}  // namespace tenure
