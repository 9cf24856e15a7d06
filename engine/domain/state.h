// What the engine knows of one organization: all that a decision needs and nothing for display
// only.
//
// Plain data, owned by one partition's thread; strings are owned here and never point into log
// buffers. Changed only by evolve() (evolve.h) and by loading the state store's rows
// (engine/partition/state_rows.h). Budget: a member costs at most 100 bytes hot (tenure bench
// embedded prints it).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/domain/rulebook.h"
#include "schemas/catalog_generated.h"

namespace tenure {

template <class Key, class Value>
using IdMap = std::unordered_map<Key, Value, TextHash, std::equal_to<>>;
template <class Key>
using IdSet = std::unordered_set<Key, TextHash, std::equal_to<>>;

enum class MemberStatus : uint8_t { kActive, kSuspended };

struct Member {
  RoleIndex role;
  MemberStatus status = MemberStatus::kActive;
};

struct Group {
  std::string name;
  std::set<UserId, std::less<>> users;
};

// The space roles of one direct grant, highest first. Empty where the rulebook says access without
// a role means all.
using AccessRoles = std::vector<RoleIndex>;

struct Resource {
  TypeIndex type;
  uint64_t version = 1;
  bool deleted = false;  // kept for its version: the id may come back
};

// A month of the counters: year * 12 + month - 1, UTC.
using Month = uint32_t;

struct Counter {
  uint64_t used = 0;
  uint8_t crossed_percent = 0;  // the highest threshold that UsageThresholdReached told of
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

 private:
  std::shared_ptr<const std::vector<uint8_t>> buffer_;
};

struct Pending {
  PlanTerms terms;
  CheckoutId checkout;
  Time expires;
};

struct Subscription {
  PlanTerms terms;  // what holds now
  SubscriptionStatus status = SubscriptionStatus::kFree;
  Time period_from{}, period_to{};
  std::optional<Pending> pending;
};

struct Space {
  std::string name;
  IdMap<Subject, AccessRoles> access;  // direct grants, by `user:x` or `group:y`
  IdMap<ResourceId, Resource> resources;
  uint64_t resource_count = 0;  // the gauge: not deleted
  Subscription subscription;
  std::map<std::pair<Month, std::string>, Counter, std::less<>> counters;
  // `source` 0x1f `id` of usage entries counted, by the month of the entry; a month goes when the
  // two after it are over.
  std::map<Month, IdSet<std::string>> usage_seen;
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
  uint32_t owners = 0;  // active members in the owner role
  IdMap<UserId, Member> members;
  IdMap<GroupId, Group> groups;
  IdMap<UserId, std::set<GroupId, std::less<>>> groups_of;  // only users in a group
  IdMap<SpaceId, Space> spaces;
  std::set<DueItem> due;
};

}  // namespace tenure
