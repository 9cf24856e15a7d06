// Walking spaces: those of an organization, and those that a user has grants in.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "projections/queries/permission.h"

namespace tenure {

// The spaces of an organization in the order of their ids, skipping over what is in them. One
// thread; the organization must outlive it.
class SpaceWalk {
 public:
  // Begins after the space `after`; "" : with the first one.
  SpaceWalk(OrganizationRows& organization, std::string_view after);

  bool valid() const { return cursor_->valid(); }
  std::string_view space() const { return space_; }
  const schema::SpaceRow& row() const { return row_.as<schema::SpaceRow>(); }
  void next() { go_after(std::string(space_)); }
  Result<void> status() const { return cursor_->status(); }

 private:
  void go_after(std::string_view space);

  OrganizationRows& organization_;
  std::unique_ptr<RowCursor> cursor_;
  std::string space_;
  Row row_;
};

// The spaces with a direct grant to the user or to one of their groups, sorted.
Result<std::set<std::string>> granted_spaces(OrganizationRows& organization, std::string_view user,
                                             const Membership& membership);

// Distinct users with direct or group access: the gauge "members" of a space.
Result<uint64_t> count_space_users(OrganizationRows& organization, std::string_view space);

}  // namespace tenure
