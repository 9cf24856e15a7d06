// What somebody holds in an organization, found in its rows, each with the decision that gave it.
//
// Only the finding is here: what it permits is composed by engine/domain/access.h, the same code
// that decides. One thread; the view and the rulebooks must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/access.h"
#include "engine/domain/rulebook.h"
#include "projections/key_layout.h"
#include "projections/rows.h"
#include "schemas/rows_generated.h"

namespace tenure {

struct Membership {
  RoleIndex role;
  int64_t since;
  uint64_t number;  // gave the role
  struct Group {
    std::string id;
    uint64_t number;  // brought them into it
  };
  std::vector<Group> groups;  // sorted
};

// One grant in a space that reaches a user.
struct Grant {
  std::string subject;  // user:x, or group:y for one of their groups
  RoleSet roles;
  uint64_t number;  // gave it
  uint64_t joined;  // brought the user into the group
  bool through_group() const { return subject.starts_with("group:"); }
};

// All grants together, as the rules compose them.
SpaceGrants composed(const std::vector<Grant>& grants);

class OrganizationRows {
 public:
  // Nothing if there is no such organization. kUnsupported: its rulebook is not known here.
  static Result<std::optional<OrganizationRows>> find(const RowView& view,
                                                      const Rulebooks& rulebooks,
                                                      std::string_view org);

  std::string_view org() const { return org_; }
  const schema::OrganizationRow& row() const { return row_.as<schema::OrganizationRow>(); }
  const Rulebook& rulebook() const { return *rulebook_; }
  const RowView& view() const { return *view_; }
  Keys& keys() { return keys_; }

  // Nothing if the user is no member.
  Result<std::optional<Membership>> membership(std::string_view user);
  Membership read_membership(const schema::MemberRow& row) const;
  const OrganizationRole& role(const Membership& membership) const {
    return rulebook_->organization_roles[membership.role];
  }
  // Direct first, then through groups in the order of their ids.
  Result<std::vector<Grant>> grants(std::string_view user, const Membership& membership,
                                    std::string_view space);
  // Nothing if there is no such space.
  Result<const schema::SpaceRow*> space(std::string_view space, Row& row);
  RoleSet space_roles(const schema::AccessRow& row) const;

 private:
  OrganizationRows(const RowView& view, std::string_view org)
      : view_(&view), org_(org), keys_(org) {}
  Result<void> add_grant(std::string_view subject, std::string_view space, uint64_t joined,
                         std::vector<Grant>& grants);

  const RowView* view_;
  std::string org_;
  Keys keys_;
  Row row_, scratch_;
  std::shared_ptr<const Rulebook> rulebook_;
};

}  // namespace tenure
