#include "projections/queries/space_walk.h"

#include <unordered_set>

namespace tenure {

SpaceWalk::SpaceWalk(OrganizationRows& organization, std::string_view after)
    : organization_(organization),
      cursor_(organization.view().scan(Family::kMembership, organization.keys().organization())) {
  go_after(after);
}

void SpaceWalk::go_after(std::string_view space) {
  cursor_->seek(organization_.keys().after_space(space));
  if (!cursor_->valid()) return;
  space_ = space_of(cursor_->key(), organization_.keys().organization());
  row_.assign(cursor_->bytes());
}

Result<std::set<std::string>> granted_spaces(OrganizationRows& organization, std::string_view user,
                                             const Membership& membership) {
  std::set<std::string> spaces;
  auto add_spaces_of = [&](std::string_view subject) -> Result<void> {
    const std::string prefix = organization.keys().subject_spaces(subject).str();
    auto cursor = organization.view().scan(Family::kMembership, prefix);
    for (; cursor->valid(); cursor->next()) {
      spaces.emplace(after_prefix(cursor->key(), prefix));
    }
    return cursor->status();
  };
  TRY(add_spaces_of(SubjectKey::user(user)));
  for (const Membership::Group& group : membership.groups) {
    TRY(add_spaces_of(SubjectKey::group(group.id)));
  }
  return spaces;
}

Result<uint64_t> count_space_users(OrganizationRows& organization, std::string_view space) {
  constexpr std::string_view kUser = "user:", kGroup = "group:";
  std::unordered_set<std::string> users;
  const std::string prefix = organization.keys().accesses(space).str();
  auto grants = organization.view().scan(Family::kMembership, prefix);
  for (; grants->valid(); grants->next()) {
    std::string_view subject = after_prefix(grants->key(), prefix);
    if (subject.starts_with(kUser)) users.emplace(subject.substr(kUser.size()));
    if (!subject.starts_with(kGroup)) continue;
    const std::string members =
        organization.keys().group_members(subject.substr(kGroup.size())).str();
    auto member = organization.view().scan(Family::kMembership, members);
    for (; member->valid(); member->next()) {
      users.emplace(after_prefix(member->key(), members));
    }
    TRY(member->status());
  }
  TRY(grants->status());
  return users.size();
}

}  // namespace tenure
