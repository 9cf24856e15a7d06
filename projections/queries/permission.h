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
#include "engine/domain/text.h"
#include "projections/key_layout.h"
#include "projections/queries/queries.h"
#include "projections/rows.h"
#include "schemas/rows_generated.h"

namespace tenure {

// A member's, or with kNoRole that of a guest, whom only grants bring here.
struct Membership {
  RoleIndex role = kNoRole;
  bool suspended = false;
  int64_t since = 0;
  uint64_t number = 0;  // gave the role
  struct Group {
    std::string id;
    uint64_t number;  // brought them into it
  };
  std::vector<Group> groups;  // sorted
  Row row;                    // the MemberRow, if it was looked up: grants() looks there first
};

// One grant in a space that reaches a user.
struct Grant {
  std::string subject;  // user:x, or group:y for one of their groups
  RoleSet roles;
  uint64_t number;  // gave it
  uint64_t joined;  // brought the user into the group
  bool through_group() const { return subject.starts_with("group:"); }
};

bool is_deleted(const schema::SpaceRow& row);

// All grants together, as the rules compose them.
SpaceGrants composed(const std::vector<Grant>& grants);

class OrganizationRows {
 public:
  // Nothing if there is no such organization. kUnsupported: its rulebook is not known here. `view`:
  // the rows of the context, or the live ones.
  static Result<std::optional<OrganizationRows>> find(const QueryContext& context,
                                                      const RowView& view, std::string_view org);

  std::string_view org() const { return org_; }
  const schema::OrganizationRow& row() const { return row_.as<schema::OrganizationRow>(); }
  const Rulebook& rulebook() const { return *rulebook_; }
  const RowView& view() const { return *view_; }
  Keys& keys() { return keys_; }

  // Nothing if the user is no member. One who is suspended is.
  Result<std::optional<Membership>> membership(std::string_view user);
  // By what the user may do anything here: a member who is not suspended, or a guest. Nothing in an
  // organization that is deleted.
  Result<std::optional<Membership>> standing(std::string_view user);
  Membership read_membership(const schema::MemberRow& row) const;
  const OrganizationRole& role(const Membership& membership) const {
    return rulebook_->role(membership.role);
  }
  // Direct first, then through groups in the order of their ids.
  Result<std::vector<Grant>> grants(std::string_view user, const Membership& membership,
                                    std::string_view space);
  // Nothing if there is no such space. One that is deleted is there.
  Result<const schema::SpaceRow*> space(std::string_view space, Row& row);
  RoleSet space_roles(const Texts& names) const;

 private:
  OrganizationRows(const RowView& view, std::string_view org)
      : view_(&view), org_(org), keys_(org) {}
  Result<void> compose_rulebook(const QueryContext& context);
  Result<bool> has_grants(std::string_view user);
  struct Held {
    RoleSet roles;
    uint64_t number;  // gave them
  };
  // What `subject` holds in the space, by the grants that their own row lists, or else by the
  // grant's row, if it may have what they do not. Null: their own row was not read.
  template <class HolderRow>
  Result<std::optional<Held>> held_in(std::string_view space, std::string_view subject,
                                      const HolderRow* holder);
  Result<std::optional<Held>> group_grant(std::string_view group, std::string_view space);

  const RowView* view_;
  std::string org_;
  Keys keys_;
  Row row_, scratch_;
  std::shared_ptr<const Rulebook> rulebook_;
};

}  // namespace tenure
