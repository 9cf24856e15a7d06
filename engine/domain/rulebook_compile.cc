// Rulebook::compile: from the data to what decides, refusing what makes no sense.
#include <algorithm>

#include "engine/domain/names.h"
#include "engine/domain/rulebook.h"
#include "engine/domain/text.h"

namespace tenure {
namespace {

constexpr size_t kMaxRoles = RoleSet{}.size();

std::string indexed(std::string_view field, size_t index) {
  return std::string(field) + "[" + std::to_string(index) + "]";
}

// One role of the source on its way into the rulebook, and where it stands there, for messages.
struct RoleSource {
  std::string where;
  const Texts* actions;
  const Texts* assigns;
  const Texts* acts_on;
};

class Compiler {
 public:
  explicit Compiler(const schema::Rulebook& source) : source_(source) {}

  Result<std::shared_ptr<const Rulebook>> run() {
    TRY(header());
    TRY(resource_types());
    TRY(role_names("organization_roles", *source_.organization_roles(), book_.organization_roles));
    if (source_.space_roles() != nullptr) {
      TRY(role_names("space_roles", *source_.space_roles(), book_.space_roles));
    }
    TRY(organization_roles());
    TRY(space_roles());
    TRY(owner());
    sum_up();
    return std::make_shared<const Rulebook>(std::move(book_));
  }

 private:
  std::unexpected<Error> wrong(const std::string& where, const std::string& what) const {
    return fail(ErrorKind::kInvalid, "rulebook " + in_quotes(source_.name()->string_view()) + ", " +
                                         where + ": " + what);
  }

  Result<void> header();
  Result<void> resource_types();
  template <class Source, class Role>
  Result<void> role_names(std::string_view field, const Source& source, std::vector<Role>& roles);
  Result<void> organization_roles();
  Result<void> space_roles();
  Result<void> owner();
  void sum_up();

  Result<void> add_action(const std::string& where, std::string_view name, ActionSet& actions);
  template <class Role>
  Result<void> role(const RoleSource& source, const std::vector<Role>& all, Role& role);
  template <class Role>
  Result<RoleSet> role_set(const std::string& where, const Texts* names,
                           const std::vector<Role>& all);

  const schema::Rulebook& source_;
  Rulebook book_;
};

Result<void> Compiler::header() {
  const std::string_view name = source_.name()->string_view();
  if (!is_valid_id(name)) return wrong("name", "must be an id");
  if (source_.version() == 0) return wrong("version", "must be at least 1");
  book_.pinned_name = std::string(name) + "@" + std::to_string(source_.version());
  book_.single_owner = source_.single_owner();
  for (const auto join : *source_.joins()) {
    (static_cast<schema::JoinMode>(join) == schema::JoinMode::direct ? book_.direct_join
                                                                     : book_.invitation_join) =
        true;
  }
  if (!book_.direct_join && !book_.invitation_join) {
    return wrong("joins", "must name a way to join: direct, invitation or both");
  }
  book_.members_may_leave = source_.members_may_leave();
  book_.access_without_role_is_all = source_.access_without_role_is_all();
  book_.space_guests = source_.space_guests();
  book_.custom_space_roles = source_.custom_space_roles();
  book_.default_plan = source_.default_plan()->str();
  if (!is_valid_id(book_.default_plan)) return wrong("default_plan", "must name a plan");
  return {};
}

Result<void> Compiler::resource_types() {
  const auto& types = *source_.resource_types();
  if (types.size() > kMaxResourceTypes) {
    return wrong("resource_types",
                 "at most " + std::to_string(kMaxResourceTypes) + " are possible");
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const schema::ResourceType& type = *types[i];
    const std::string where = indexed("resource_types", i) + ".name";
    const std::string_view name = type.name()->string_view();
    if (!is_valid_id(name) || name.contains(':')) return wrong(where, "must be an id without ':'");
    if (book_.resource_type(name)) return wrong(where, in_quotes(name) + " is listed twice");
    book_.resource_types.push_back({std::string(name), type.copyable(), type.copy_keeps_ids(), {}});
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i]->linked_copyable() == nullptr) continue;
    for (const auto* linked : *types[i]->linked_copyable()) {
      const std::optional<TypeIndex> type = book_.resource_type(linked->string_view());
      if (!type) {
        return wrong(indexed("resource_types", i) + ".linked_copyable",
                     in_quotes(linked->string_view()) + " is not a resource type");
      }
      book_.resource_types[i].linked_copyable.push_back(*type);
    }
  }
  return {};
}

template <class Source, class Role>
Result<void> Compiler::role_names(std::string_view field, const Source& source,
                                  std::vector<Role>& roles) {
  if (source.size() > kMaxRoles) {
    return wrong(std::string(field), "at most " + std::to_string(kMaxRoles) + " are possible");
  }
  for (size_t i = 0; i < source.size(); ++i) {
    const std::string where = indexed(field, i) + ".name";
    const std::string_view name = source[i]->name()->string_view();
    if (!is_valid_id(name)) return wrong(where, "must be an id");
    if (std::ranges::any_of(roles, [&](const Role& role) { return role.name == name; })) {
      return wrong(where, in_quotes(name) + " is listed twice");
    }
    roles.emplace_back().name = name;
  }
  return {};
}

Result<void> Compiler::add_action(const std::string& where, std::string_view name,
                                  ActionSet& actions) {
  if (name.ends_with(":*") && !book_.resource_types.empty()) {
    const std::string_view prefix = name.substr(0, name.size() - 1);
    for (const ResourceType& type : book_.resource_types) {
      TRY(add_action(where, std::string(prefix) + type.name, actions));
    }
    return {};
  }
  const std::optional<NamedAction> action = parse_action(name, book_);
  if (!action) return wrong(where, in_quotes(name) + " is not an action of this rulebook");
  if (!action->plain) {
    actions.add(action->verb, action->type);
    return {};
  }
  if (*action->plain >= kFirstServiceAction) {
    return wrong(where, in_quotes(name) + " is for services only, never for a role");
  }
  actions.add(*action->plain);
  return {};
}

template <class Role>
Result<RoleSet> Compiler::role_set(const std::string& where, const Texts* names,
                                   const std::vector<Role>& all) {
  RoleSet roles;
  if (names == nullptr) return roles;
  for (const auto* name : *names) {
    const auto found = std::ranges::find(all, name->string_view(), &Role::name);
    if (found == all.end()) {
      return wrong(where, in_quotes(name->string_view()) + " is not a role listed beside it");
    }
    roles.set(static_cast<size_t>(found - all.begin()));
  }
  return roles;
}

template <class Role>
Result<void> Compiler::role(const RoleSource& source, const std::vector<Role>& all, Role& role) {
  for (size_t i = 0; i < source.actions->size(); ++i) {
    TRY(add_action(source.where + indexed(".actions", i), (*source.actions)[i]->string_view(),
                   role.actions));
  }
  role.assigns = TRY(role_set(source.where + ".assigns", source.assigns, all));
  role.acts_on = TRY(role_set(source.where + ".acts_on", source.acts_on, all));
  return {};
}

Result<void> Compiler::organization_roles() {
  if (book_.organization_roles.empty()) return wrong("organization_roles", "must not be empty");
  for (size_t i = 0; i < book_.organization_roles.size(); ++i) {
    const schema::OrganizationRole& source = *(*source_.organization_roles())[i];
    OrganizationRole& compiled = book_.organization_roles[i];
    const std::string where = indexed("organization_roles", i) + " " + compiled.name;
    TRY(role({where, source.actions(), source.assigns(), source.acts_on()},
             book_.organization_roles, compiled));
    compiled.inherits_all = source.inherits_all();
    compiled.non_destructive = source.non_destructive();
    if (source.inherits_space_role() != nullptr) {
      const std::string_view name = source.inherits_space_role()->string_view();
      const std::optional<RoleIndex> inherited = book_.space_role(name);
      if (!inherited) {
        return wrong(where + ".inherits_space_role", in_quotes(name) + " is not a space role");
      }
      compiled.inherits = *inherited;
    }
    const bool grants =
        book_.access_without_role_is_all || book_.custom_space_roles || !book_.space_roles.empty();
    if (compiled.actions.has(Action::kAccessManage) && !grants) {
      return wrong(where + ".actions", "access.manage needs space roles to give; list space_roles");
    }
  }
  return {};
}

// Actions that are about an organization as a whole make no sense in one space.
bool is_about_a_space(Action action) {
  const std::string_view name = action_name(action);
  return !name.starts_with("organization.") && !name.starts_with("member.") &&
         !name.starts_with("group.") && action != Action::kSpaceCreate &&
         action != Action::kSpaceRoleDefine && action != Action::kClockAdvance;
}

Result<void> Compiler::space_roles() {
  for (size_t i = 0; i < book_.space_roles.size(); ++i) {
    const schema::SpaceRole& source = *(*source_.space_roles())[i];
    SpaceRole& compiled = book_.space_roles[i];
    const std::string where = indexed("space_roles", i) + " " + compiled.name;
    TRY(role({where, source.actions(), source.assigns(), source.acts_on()}, book_.space_roles,
             compiled));
    for (size_t a = 0; a < kActionCount; ++a) {
      const auto action = static_cast<Action>(a);
      if (compiled.actions.has(action) && !is_about_a_space(action)) {
        return wrong(where + ".actions",
                     in_quotes(action_name(action)) + " is not about one space");
      }
    }
  }
  return {};
}

Result<void> Compiler::owner() {
  const std::string_view name = source_.owner_role()->string_view();
  const std::optional<RoleIndex> owner = book_.organization_role(name);
  if (!owner) return wrong("owner_role", in_quotes(name) + " is not an organization role");
  book_.owner_role = *owner;
  const OrganizationRole& role = book_.organization_roles[*owner];
  const bool transfers = role.actions.has(Action::kOrganizationTransfer);
  if (!role.acts_on.test(*owner)) {
    return wrong("owner_role", role.name + " must act on itself; add it to its acts_on");
  }
  if (!transfers && !role.assigns.test(*owner)) {
    return wrong("owner_role", "no member could ever become " + role.name +
                                   "; give it organization.transfer, or add it to its assigns");
  }
  if (transfers && *owner + 1u == book_.organization_roles.size()) {
    return wrong("owner_role", "an owner who hands over needs a lower role; list one below it");
  }
  for (const OrganizationRole& other : book_.organization_roles) {
    if (book_.single_owner && other.assigns.test(*owner)) {
      return wrong("single_owner",
                   other.name + " assigns " + role.name + ", which only one may hold");
    }
  }
  return {};
}

void Compiler::sum_up() {
  for (size_t type = 0; type < book_.resource_types.size(); ++type) {
    for (const auto verb : {ResourceVerb::kRead, ResourceVerb::kCreate, ResourceVerb::kUpdate,
                            ResourceVerb::kDelete}) {
      book_.every_resource_action.add(verb, static_cast<TypeIndex>(type));
    }
  }
  for (OrganizationRole& role : book_.organization_roles) {
    role.power = role.actions;
    if (role.inherits != kNoRole) role.power |= book_.space_roles[role.inherits].actions;
    if (role.inherits_all) role.power |= book_.every_resource_action;
  }
}

}  // namespace

Result<std::shared_ptr<const Rulebook>> Rulebook::compile(const schema::Rulebook& source) {
  return Compiler(source).run();
}

}  // namespace tenure
