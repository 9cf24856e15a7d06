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
#include "engine/domain/billing_state.h"
#include "engine/domain/fingerprint.h"
#include "engine/domain/rulebook.h"
#include "engine/domain/services.h"

namespace tenure {

struct Member {
  RoleIndex role;
  bool suspended = false;  // keeps everything, may do nothing, is no owner
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

// An invitation that may be answered, or that has expired unanswered.
struct Invitation {
  UserId user;
  RoleIndex role = kNoRole;  // to the organization
  SpaceId space;             // or to this space, with these roles there
  AccessRoles space_roles;
  Time expires;
  std::string inviter;  // the actor, whose authority counts when it is accepted
  bool expired = false;
  friend bool operator==(const Invitation&, const Invitation&) = default;
};

// Whose sign-ins the organization's people use.
struct Sso {
  std::string issuer, client_id;
  std::vector<std::string> domains;
  bool enforced = false;
  friend bool operator==(const Sso&, const Sso&) = default;
};

struct Resource {
  TypeIndex type;
  uint64_t version = 1;
  bool deleted = false;  // kept for its version: the id may come back
  Fingerprint content;   // of its name and digest
  std::vector<ResourceId> links;
  friend bool operator==(const Resource&, const Resource&) = default;
};

// A month of the counters: year * 12 + month - 1, UTC.
using Month = uint32_t;

// One meter in one month. A gauge has an entry only for what it crossed: its `used` stays 0.
struct Counter {
  uint64_t used = 0;
  uint8_t crossed_percent = 0;     // the highest threshold that UsageThresholdReached told of
  std::vector<UsageRange> ranges;  // of plans that price what is beyond their limit
  friend bool operator==(const Counter&, const Counter&) = default;
};
using Counters = std::map<std::pair<Month, std::string>, Counter, std::less<>>;

enum class SubscriptionStatus : uint8_t { kFree, kPendingPayment, kActive };

struct Pending {
  PlanTerms terms;
  CheckoutId checkout;
  Time expires;
  friend bool operator==(const Pending&, const Pending&) = default;
};

struct Subscription {
  PlanTerms terms;  // what holds now
  SubscriptionStatus status = SubscriptionStatus::kFree;
  Time period_from{};         // a free plan's: since when it holds
  Time period_to{};           // zero: open ended
  Time anchor{};              // of a paid plan's periods: the time that they are counted from
  bool consolidated = false;  // this period goes on the organization's invoice
  std::optional<Pending> pending;
  std::optional<PlanTerms> cancel_to;  // the plan after this period: a cancellation is scheduled
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

enum class SpaceStatus : uint8_t { kActive, kArchived, kDeleted };

struct Space {
  std::string name;
  SpaceStatus status = SpaceStatus::kActive;
  Time deleted{};                        // when, if it is
  TextMap<Subject, AccessRoles> access;  // direct grants, by `user:x` or `group:y`
  TextMap<ResourceId, Resource> resources;
  uint64_t resource_count = 0;  // the gauge: those not deleted (derived)
  Subscription subscription;
  Counters counters;
  // The entries that counted, by the month of the entry; a month goes when the two after it are
  // over.
  std::map<Month, FingerprintSet> usage_seen;

  BillingAccount account;
  std::vector<Stretch> stretches;  // by time; the last is what holds now
  std::vector<Period> periods;     // that are over, by time, as long as usage may come for them
  std::map<std::string, Minor, std::less<>> caps;  // of overage in a month, by meter
  TextMap<GrantId, CreditGrant> credits;           // used up and expired ones too
  std::map<CheckoutId, TopUp, std::less<>> top_ups;
  friend bool operator==(const Space&, const Space&) = default;
};

// Something the partition must do by itself at a time. Ordered by (time, kind, id), the order in
// which they are done.
enum class DueKind : uint8_t {
  kExpireCheckout = 1,
  kExpireInvitation = 2,
  kCloseBillingPeriod = 3,
  kIssueInvoice = 4,
  kExpireCredits = 5,
  kAdvanceDunning = 6,
};
struct DueItem {
  Time at;
  DueKind kind;
  std::string id;     // the checkout, invitation, grant or invoice
  std::string space;  // of all but an invitation; of an invoice to be issued empty: consolidated
  friend auto operator<=>(const DueItem&, const DueItem&) = default;
};

struct Organization {
  OrgId id;
  std::string name;
  std::shared_ptr<const Rulebook> rulebook;  // with the organization's own space roles
  std::string rulebook_text;  // as it was adopted; empty: the engine knows it by its name
  std::map<std::string, Fingerprint, std::less<>> adopted;  // texts ever adopted, by pinned name
  uint64_t version = 0;                                     // accepted decisions
  std::optional<Time> deleted;                              // when, if it is
  std::optional<Sso> sso;
  std::string billing_mode, currency;
  TextMap<UserId, Member> members;
  TextMap<GroupId, Group> groups;
  TextMap<SpaceId, Space> spaces;
  TextMap<InvitationId, Invitation> invitations;
  std::shared_ptr<const Services> services;  // of `_tenure` alone; null: none yet
  BillingAccount account;
  std::optional<Time> anchor;  // of all periods that go on the organization's invoice
  std::map<InvoiceId, Invoice, std::less<>> invoices;  // all that were issued
  uint64_t next_invoice = 1, next_credit_note = 1;
  std::optional<Time> clock;  // a sandbox's own; stands still between AdvanceClock

  // Derived from the above, kept beside it for speed.
  uint32_t owners = 0;      // members in the owner role who are not suspended
  uint32_t suspending = 0;  // invoices whose dunning came to that, or is over
  TextMap<UserId, std::set<GroupId, std::less<>>> groups_of;   // only users in a group
  TextMap<Subject, std::set<SpaceId, std::less<>>> spaces_of;  // only subjects with a direct grant
  TextMap<UserId, std::set<InvitationId, std::less<>>> invitations_of;
  TextMap<CheckoutId, SpaceId> checkouts;  // of pending plan changes and top-ups
  std::set<DueItem> due;

  friend bool operator==(const Organization& a, const Organization& b);
};

// The due work of an invitation that has not expired.
DueItem due_item(const InvitationId& id, const Invitation& invitation);
// All that is due of a space; and what an invoice waits for, if anything.
std::vector<DueItem> due_items(const SpaceId& id, const Space& space);
std::optional<DueItem> due_item(const InvoiceId& id, const Invoice& invoice);

// How far dunning has come with what a space owes, by itself or with the whole organization, from
// kSuspended on.
DunningStep dunning_of(const Organization& organization, std::string_view space);

// When something is due next without a command: nothing by the clock of a sandbox.
std::optional<Time> due_by_itself(const Organization& organization);

// Fills what is derived from invoices, from empty.
void derive_invoices(Organization& organization);

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
