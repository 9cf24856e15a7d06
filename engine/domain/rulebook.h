// A rulebook compiled for deciding: role rules as data (schemas/rulebook.fbs), checked for sense,
// names turned into bits.
//
// Source of the meaning: RULES, "The rules, exactly". Immutable after compile(); shared freely
// between threads.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "schemas/rulebook_generated.h"

namespace tenure {

class Catalog;

// Actions that are not about one resource type. Service actions are held by services and `system`,
// never by a role.
enum class Action : uint8_t {
  kOrganizationView,
  kOrganizationRename,
  kOrganizationDelete,
  kOrganizationTransfer,
  kOrganizationSso,
  kOrganizationRulebook,
  kMemberView,
  kMemberAdd,
  kMemberChangeRole,
  kMemberRemove,
  kGroupView,
  kGroupManage,
  kSpaceView,
  kSpaceCreate,
  kSpaceRename,
  kSpaceArchive,
  kSpaceDelete,
  kSpaceRoleDefine,
  kAccessView,
  kAccessManage,
  kPlanChange,
  kBillingView,
  kBillingManage,
  kInvoiceDownload,
  kCreditTopUp,
  kUsageView,
  kAuditRead,
  kClockAdvance,
  kPaymentConfirm,
  kInvoiceSettle,
  kInvoiceCreditNote,
  kCreditGrant,
  kCreditUse,
  kUsageRecord,
  kSubjectErase,
  kOrganizationRecover,
};
inline constexpr size_t kActionCount = 36;
inline constexpr Action kFirstServiceAction = Action::kPaymentConfirm;

enum class ResourceVerb : uint8_t { kRead, kCreate, kUpdate, kDelete };
inline constexpr size_t kResourceVerbs = 4;
inline constexpr size_t kMaxResourceTypes = 32;

using TypeIndex = uint8_t;
using RoleIndex =
    uint8_t;  // into organization_roles or space_roles of the rulebook; 0 is the highest
inline constexpr RoleIndex kNoRole = 0xff;

// A set of actions, resource actions per type included. A subset test is a few word operations.
class ActionSet {
 public:
  void add(Action action) { plain_.set(static_cast<size_t>(action)); }
  void add(ResourceVerb verb, TypeIndex type) {
    resource_.set(type * kResourceVerbs + static_cast<size_t>(verb));
  }
  bool has(Action action) const { return plain_.test(static_cast<size_t>(action)); }
  bool has(ResourceVerb verb, TypeIndex type) const {
    return resource_.test(type * kResourceVerbs + static_cast<size_t>(verb));
  }
  // By its name, in a rulebook's terms; false if that has no such action.
  bool add(std::string_view name, const struct Rulebook& rulebook);
  ActionSet& operator|=(const ActionSet& other) {
    plain_ |= other.plain_;
    resource_ |= other.resource_;
    return *this;
  }
  bool contains(const ActionSet& other) const {
    return (other.plain_ & ~plain_).none() && (other.resource_ & ~resource_).none();
  }
  friend bool operator==(const ActionSet&, const ActionSet&) = default;

 private:
  std::bitset<kActionCount> plain_;
  std::bitset<kMaxResourceTypes * kResourceVerbs> resource_;
};

using RoleSet = std::bitset<64>;  // by RoleIndex

struct OrganizationRole {
  std::string name;
  ActionSet actions;
  RoleSet assigns, acts_on;
  RoleIndex inherits = kNoRole;  // the space role held in every space
  bool inherits_all = false;     // every resource action in every space
  bool non_destructive = false;  // of group.manage, only creating groups and adding to them
  ActionSet power;               // all that it gives anywhere, what it inherits included

  // True if a holder may do everything that a holder of `other` may.
  bool covers(const OrganizationRole& other) const {
    const bool destroys_more =
        non_destructive && !other.non_destructive && other.actions.has(Action::kGroupManage);
    return power.contains(other.power) && !destroys_more;
  }
  friend bool operator==(const OrganizationRole&, const OrganizationRole&) = default;
};

struct SpaceRole {
  std::string name;
  ActionSet actions;
  RoleSet assigns, acts_on;
  bool custom = false;  // defined by the organization, not by its rulebook
  friend bool operator==(const SpaceRole&, const SpaceRole&) = default;
};

struct ResourceType {
  std::string name;
  bool copyable = false;
  bool copy_keeps_ids = false;
  std::bitset<kMaxResourceTypes> linked_copyable;  // types whose linked resources may go along
  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

// Something in a rulebook that makes no sense.
struct Nonsense {
  std::string path;  // where it stands in the JSON: "organization_roles[1].actions[0]"
  std::string what;  // what is wrong, and what to do, in a line
};

// An organization with space roles of its own has a copy with those added: with_space_role().
struct Rulebook {
  std::string pinned_name;  // "space@1"
  RoleIndex owner_role = 0;
  bool single_owner = false;
  bool direct_join = false, invitation_join = false;
  bool members_may_leave = false;
  bool access_without_role_is_all = false;
  bool space_guests = false;
  bool custom_space_roles = false;
  bool needs_payment_method = false;  // a space, before a paid plan or a top-up
  std::string default_plan;
  RoleIndex creator_space_role = kNoRole;  // what whoever creates a space is given in it
  std::vector<OrganizationRole> organization_roles;
  std::vector<SpaceRole> space_roles;
  std::vector<ResourceType> resource_types;
  ActionSet every_resource_action;  // what "all" means

  // Index of a role or type by name; nothing if the rulebook has none of that name.
  std::optional<RoleIndex> organization_role(std::string_view name) const;
  std::optional<RoleIndex> space_role(std::string_view name) const;
  std::optional<TypeIndex> resource_type(std::string_view name) const;

  // The role at `index`; at kNoRole that of somebody without one, who holds nothing by it.
  const OrganizationRole& role(RoleIndex index) const;

  // The names in `roles`, highest first: "MANAGER, EVALUATOR".
  std::string organization_role_names(const RoleSet& roles) const;
  std::string space_role_names(const RoleSet& roles) const;

  // Checks `source` for sense and compiles it. Error kInvalid: the first nonsense in it, and its
  // path. Whatever compiled once must compile for ever: stored rulebooks are read by this.
  static Result<std::shared_ptr<const Rulebook>> compile(const schema::Rulebook& source);

  // All the nonsense in `source`, that of a default plan which `catalog` does not give away
  // included. Empty: it may be adopted.
  static std::vector<Nonsense> nonsense(const schema::Rulebook& source, const Catalog& catalog);

  friend bool operator==(const Rulebook&, const Rulebook&) = default;
};

// The rulebook with a custom space role more, or with that of the same name replaced; and without
// the role at `index`, which those after it move up to.
std::shared_ptr<const Rulebook> with_space_role(const Rulebook& rulebook, std::string_view name,
                                                const ActionSet& actions);
std::shared_ptr<const Rulebook> without_space_role(const Rulebook& rulebook, RoleIndex index);

// "member.add", or "resource.read:job" given its type names. Nothing if there is no such action.
struct NamedAction {
  std::optional<Action> plain;
  ResourceVerb verb{};
  TypeIndex type{};
};
std::optional<NamedAction> parse_action(std::string_view name, const Rulebook& rulebook);
// The same whatever types there are: "resource.read:<any id>".
bool is_action_name(std::string_view name);
std::string_view action_name(Action action);
// False for actions about an organization as a whole, which make no sense in one space.
bool is_about_a_space(Action action);
std::string_view verb_name(ResourceVerb verb);
// Every action of the set by its name, each type by itself.
std::vector<std::string> action_names(const ActionSet& actions, const Rulebook& rulebook);

// The rulebooks an engine knows, by pinned name, and how it reads others. Built once at start, then
// read-only.
class Rulebooks {
 public:
  // From JSON; must be pure: state is built with it.
  using Reader = Result<std::shared_ptr<const Rulebook>> (*)(std::string_view json);
  explicit Rulebooks(Reader reader = nullptr) : reader_(reader) {}

  void add(std::shared_ptr<const Rulebook> rulebook);
  // `name` ("space": its newest version) or `name@version`; null if there is none.
  std::shared_ptr<const Rulebook> find(std::string_view name) const;
  std::string names() const;  // "anaphora@1, flotiq@1", for messages
  // What an organization may adopt: a whole rulebook as JSON, or the name of a known one. kInvalid:
  // why it is neither.
  Result<std::shared_ptr<const Rulebook>> adoptable(std::string_view text) const;
  static bool is_text(std::string_view text);  // JSON, not a name

 private:
  Reader reader_;
  std::map<std::string, std::shared_ptr<const Rulebook>, std::less<>> by_name_;
};

}  // namespace tenure
