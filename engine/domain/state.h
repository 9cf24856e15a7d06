// What the engine knows of one organization: all that a decision needs and nothing for display
// only.
//
// Plain data, owned by one partition's thread; strings are owned here and never point into log
// buffers. Changed only by evolve() (evolve.h) and by loading the state store's rows
// (engine/partition/state_rows.h). Budget: a member costs at most 100 bytes hot (tenure bench
// embedded prints it).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/text_map.h"
#include "engine/base/time.h"
#include "engine/domain/fingerprint.h"
#include "engine/domain/rulebook.h"
#include "schemas/catalog_generated.h"

namespace tenure {

struct Member {
  RoleIndex role;
  friend bool operator==(const Member&, const Member&) = default;
};

struct Group {
  std::string name;
  std::set<UserId, std::less<>> users;
  friend bool operator==(const Group&, const Group&) = default;
};

// The space roles of one direct grant, highest first. Empty where the rulebook says access without
// a role means all.
using AccessRoles = std::vector<RoleIndex>;

struct Resource {
  TypeIndex type;
  uint64_t version = 1;
  bool deleted = false;  // kept for its version: the id may come back
  friend bool operator==(const Resource&, const Resource&) = default;
};

// A month of the counters: year * 12 + month - 1, UTC.
using Month = uint32_t;

// One meter in one month. A gauge has an entry only for what it crossed: its `used` stays 0.
struct Counter {
  uint64_t used = 0;
  uint8_t crossed_percent = 0;  // the highest threshold that UsageThresholdReached told of
  friend bool operator==(const Counter&, const Counter&) = default;
};

enum class SubscriptionStatus : uint8_t { kFree, kPendingPayment, kActive };

// Terms are a verified schema::Plan buffer of its own, shared by all who were sold the same.
class PlanTerms {
 public:
  PlanTerms() = default;
  static PlanTerms copy_of(const schema::Plan& plan);
  const schema::Plan& get() const;
  std::string_view name() const;
  const schema::MeterTerms* meter(std::string_view name) const;  // null: no such meter in the plan
  explicit operator bool() const { return buffer_ != nullptr; }
  friend bool operator==(const PlanTerms& a, const PlanTerms& b);

 private:
  std::shared_ptr<const std::vector<uint8_t>> buffer_;
};

struct Pending {
  PlanTerms terms;
  CheckoutId checkout;
  Time expires;
  friend bool operator==(const Pending&, const Pending&) = default;
};

struct Subscription {
  PlanTerms terms;  // what holds now
  SubscriptionStatus status = SubscriptionStatus::kFree;
  Time period_from{};  // a free plan's: since when it holds
  Time period_to{};    // zero: open ended
  std::optional<Pending> pending;
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

struct Space {
  std::string name;
  TextMap<Subject, AccessRoles> access;  // direct grants, by `user:x` or `group:y`
  TextMap<ResourceId, Resource> resources;
  uint64_t resource_count = 0;  // the gauge: those not deleted (derived)
  Subscription subscription;
  std::map<std::pair<Month, std::string>, Counter, std::less<>> counters;
  // The entries that counted, by the month of the entry; a month goes when the two after it are
  // over.
  std::map<Month, FingerprintSet> usage_seen;
  friend bool operator==(const Space&, const Space&) = default;
};

// Something the partition must do by itself at a time. Ordered by (time, kind, id), the order in
// which they are done.
enum class DueKind : uint8_t { kExpireCheckout = 1 };
struct DueItem {
  Time at;
  DueKind kind;
  std::string id;  // the checkout
  std::string space;
  friend auto operator<=>(const DueItem&, const DueItem&) = default;
};

struct Organization {
  OrgId id;
  std::string name;
  std::shared_ptr<const Rulebook> rulebook;
  uint64_t version = 0;  // accepted decisions
  std::string billing_mode, currency;
  TextMap<UserId, Member> members;
  TextMap<GroupId, Group> groups;
  TextMap<SpaceId, Space> spaces;

  // Derived from the above, kept beside it for speed.
  uint32_t owners = 0;                                         // members in the owner role
  TextMap<UserId, std::set<GroupId, std::less<>>> groups_of;   // only users in a group
  TextMap<Subject, std::set<SpaceId, std::less<>>> spaces_of;  // only subjects with a direct grant
  TextMap<CheckoutId, SpaceId> checkouts;                      // of pending plan changes
  std::set<DueItem> due;

  friend bool operator==(const Organization&, const Organization&) = default;
};

// Fills everything that is marked derived, from empty: for state that was loaded row by row.
void derive(Organization& organization);

// The index key of a user or group: `user:x`, `group:y`, without an allocation.
class SubjectKey {
 public:
  static SubjectKey user(std::string_view id) { return SubjectKey("user:", id); }
  static SubjectKey group(std::string_view id) { return SubjectKey("group:", id); }
  operator std::string_view() const { return {text_.data(), size_}; }

 private:
  SubjectKey(std::string_view prefix, std::string_view id);
  std::array<char, 136> text_;  // the prefix and an id of 128
  size_t size_;
};

}  // namespace tenure
