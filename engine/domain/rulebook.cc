#include "engine/domain/rulebook.h"

#include "engine/domain/names.h"

#include <algorithm>
#include <charconv>

namespace tenure {
namespace {

// In the order of Action.
constexpr std::array<std::string_view, kActionCount> kActionNames = {
    "organization.view",   "organization.rename",
    "organization.delete", "organization.transfer",
    "organization.sso",    "organization.rulebook",
    "member.view",         "member.add",
    "member.change_role",  "member.remove",
    "group.view",          "group.manage",
    "space.view",          "space.create",
    "space.rename",        "space.archive",
    "space.delete",        "space_role.define",
    "access.view",         "access.manage",
    "plan.change",         "billing.view",
    "billing.manage",      "invoice.download",
    "credit.top_up",       "usage.view",
    "audit.read",          "clock.advance",
    "payment.confirm",     "invoice.settle",
    "invoice.credit_note", "credit.grant",
    "credit.use",          "usage.record",
    "subject.erase",       "organization.recover",
};
constexpr std::array<std::string_view, kResourceVerbs> kVerbNames = {
    "resource.read", "resource.create", "resource.update", "resource.delete"};

template <class Index, class Items>
std::optional<Index> index_of(const Items& items, std::string_view name) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].name == name) return static_cast<Index>(i);
  }
  return std::nullopt;
}

template <class Roles>
std::string names_of(const Roles& roles, const RoleSet& chosen) {
  std::string names;
  for (size_t i = 0; i < roles.size(); ++i) {
    if (!chosen.test(i)) continue;
    if (!names.empty()) names += ", ";
    names += roles[i].name;
  }
  return names;
}

std::string_view name_part(std::string_view pinned) { return pinned.substr(0, pinned.rfind('@')); }

uint32_t version_part(std::string_view pinned) {
  uint32_t version = 0;
  const size_t at = pinned.rfind('@');
  std::from_chars(pinned.data() + at + 1, pinned.data() + pinned.size(), version);
  return version;
}

}  // namespace

std::optional<RoleIndex> Rulebook::organization_role(std::string_view name) const {
  return index_of<RoleIndex>(organization_roles, name);
}
std::optional<RoleIndex> Rulebook::space_role(std::string_view name) const {
  return index_of<RoleIndex>(space_roles, name);
}
std::optional<TypeIndex> Rulebook::resource_type(std::string_view name) const {
  return index_of<TypeIndex>(resource_types, name);
}

const OrganizationRole& Rulebook::role(RoleIndex index) const {
  static const OrganizationRole kNone = [] {
    OrganizationRole none;
    none.name = "guest";
    return none;
  }();
  return index == kNoRole ? kNone : organization_roles[index];
}

std::string Rulebook::organization_role_names(const RoleSet& roles) const {
  return names_of(organization_roles, roles);
}
std::string Rulebook::space_role_names(const RoleSet& roles) const {
  return names_of(space_roles, roles);
}

std::optional<NamedAction> parse_action(std::string_view name, const Rulebook& rulebook) {
  if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
    const auto verb = std::ranges::find(kVerbNames, name.substr(0, colon));
    const auto type = rulebook.resource_type(name.substr(colon + 1));
    if (verb == kVerbNames.end() || !type) return std::nullopt;
    return NamedAction{std::nullopt, static_cast<ResourceVerb>(verb - kVerbNames.begin()), *type};
  }
  const auto action = std::ranges::find(kActionNames, name);
  if (action == kActionNames.end()) return std::nullopt;
  return NamedAction{.plain = static_cast<Action>(action - kActionNames.begin())};
}

bool is_action_name(std::string_view name) {
  const size_t colon = name.find(':');
  if (colon == std::string_view::npos) {
    return std::ranges::find(kActionNames, name) != kActionNames.end();
  }
  return std::ranges::find(kVerbNames, name.substr(0, colon)) != kVerbNames.end() &&
         is_valid_id(name.substr(colon + 1));
}

std::shared_ptr<const Rulebook> with_space_role(const Rulebook& rulebook, std::string_view name,
                                                const ActionSet& actions) {
  auto changed = std::make_shared<Rulebook>(rulebook);
  const auto held = changed->space_role(name);
  SpaceRole& role = held ? changed->space_roles[*held] : changed->space_roles.emplace_back();
  role = {
      .name = std::string(name), .actions = actions, .assigns = {}, .acts_on = {}, .custom = true};
  return changed;
}

std::shared_ptr<const Rulebook> without_space_role(const Rulebook& rulebook, RoleIndex index) {
  auto changed = std::make_shared<Rulebook>(rulebook);
  changed->space_roles.erase(changed->space_roles.begin() + index);
  return changed;
}

std::vector<std::string> action_names(const ActionSet& actions, const Rulebook& rulebook) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kActionCount; ++i) {
    if (actions.has(static_cast<Action>(i))) names.emplace_back(kActionNames[i]);
  }
  for (size_t type = 0; type < rulebook.resource_types.size(); ++type) {
    for (size_t verb = 0; verb < kResourceVerbs; ++verb) {
      if (!actions.has(static_cast<ResourceVerb>(verb), static_cast<TypeIndex>(type))) continue;
      names.push_back(std::string(kVerbNames[verb]) + ":" + rulebook.resource_types[type].name);
    }
  }
  return names;
}

bool ActionSet::add(std::string_view name, const Rulebook& rulebook) {
  const std::optional<NamedAction> action = parse_action(name, rulebook);
  if (!action) return false;
  if (action->plain) {
    add(*action->plain);
  } else {
    add(action->verb, action->type);
  }
  return true;
}

std::string_view action_name(Action action) { return kActionNames[static_cast<size_t>(action)]; }
bool is_about_a_space(Action action) {
  const std::string_view name = action_name(action);
  return !name.starts_with("organization.") && !name.starts_with("member.") &&
         !name.starts_with("group.") && action != Action::kSpaceCreate &&
         action != Action::kSpaceRoleDefine && action != Action::kClockAdvance &&
         action != Action::kSubjectErase;
}
std::string_view verb_name(ResourceVerb verb) { return kVerbNames[static_cast<size_t>(verb)]; }

void Rulebooks::add(std::shared_ptr<const Rulebook> rulebook) {
  std::string name = rulebook->pinned_name;
  by_name_.insert_or_assign(std::move(name), std::move(rulebook));
}

std::shared_ptr<const Rulebook> Rulebooks::find(std::string_view name) const {
  if (const auto pinned = by_name_.find(name); pinned != by_name_.end()) return pinned->second;
  std::shared_ptr<const Rulebook> newest;
  for (const auto& [pinned, rulebook] : by_name_) {
    if (name_part(pinned) != name) continue;
    if (newest == nullptr || version_part(pinned) > version_part(newest->pinned_name)) {
      newest = rulebook;
    }
  }
  return newest;
}

bool Rulebooks::is_text(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

Result<std::shared_ptr<const Rulebook>> Rulebooks::adoptable(std::string_view text) const {
  if (is_text(text) && reader_ != nullptr) return reader_(text);
  if (auto known = find(text)) return known;
  return fail(ErrorKind::kInvalid,
              "rulebook " + in_quotes(text) +
                  " is unknown; send a whole one as JSON, or the name of one of " + names());
}

std::string Rulebooks::names() const {
  std::string names;
  for (const auto& [pinned, rulebook] : by_name_) {
    if (!names.empty()) names += ", ";
    names += pinned;
  }
  return names;
}

}  // namespace tenure
