// Rulebook::compile: from the data to what decides, refusing what makes no sense.
#include <algorithm>
#include <set>

#include "engine/domain/catalog.h"
#include "engine/domain/names.h"
#include "engine/domain/rulebook.h"
#include "engine/domain/text.h"

namespace tenure {
namespace {

constexpr size_t kMaxRoles = RoleSet{}.size();

std::string indexed(std::string_view path, size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

// One role of the source on its way into the rulebook, and its path there.
struct RoleSource {
  std::string path;
  const Texts* actions;
  const Texts* assigns;
  const Texts* acts_on;
};

// Walks the whole source, however much nonsense is in it. Types and roles keep the index they have
// there, nonsensical ones too, so that what refers to them is still understood.
class Compiler {
 public:
  explicit Compiler(const schema::Rulebook& source) : source_(source) {}

  void run() {
    header();
    if (!fits()) return;
    resource_types();
    organization_roles();
    space_roles();
    owner();
    ways_to_be_given();
    sum_up();
  }

  Rulebook& book() { return book_; }
  std::vector<Nonsense>& nonsense() { return nonsense_; }

 private:
  void wrong(const std::string& path, const std::string& what) {
    nonsense_.push_back({path, what});
  }

  void header();
  bool fits();
  void resource_types();
  void type_is_copied(size_t index);
  void organization_roles();
  void space_roles();
  void owner();
  void ways_to_be_given();
  void sum_up();

  void name_is_valid(const std::string& path, std::string_view name);
  void name_is_new(const std::string& path, std::string_view name, std::set<std::string_view>& all);
  void add_action(const std::string& path, const std::string& role, std::string_view name,
                  ActionSet& actions);
  template <class Source, class Role>
  void named_roles(std::string_view field, const Source& source, std::vector<Role>& roles);
  template <class Role>
  void role(const RoleSource& source, const std::vector<Role>& all, Role& role);
  template <class Role>
  RoleSet role_set(const std::string& path, const std::string& says, const Texts* names,
                   const std::vector<Role>& all);
  bool gives_access() const {
    return book_.access_without_role_is_all || book_.custom_space_roles ||
           !book_.space_roles.empty();
  }
  bool anybody_has(Action action) const {
    const auto has = [&](const auto& role) { return role.actions.has(action); };
    return std::ranges::any_of(book_.organization_roles, has) ||
           std::ranges::any_of(book_.space_roles, has);
  }

  const schema::Rulebook& source_;
  Rulebook book_;
  std::vector<Nonsense> nonsense_;
};

void Compiler::header() {
  const std::string_view name = text(source_.name());
  name_is_valid("name", name);
  if (source_.version() == 0) wrong("version", "must be at least 1");
  book_.pinned_name = std::string(name) + "@" + std::to_string(source_.version());
  book_.single_owner = source_.single_owner();
  for (uint32_t i = 0; i < source_.joins()->size(); ++i) {
    const auto mode = static_cast<schema::JoinMode>(source_.joins()->Get(i));
    bool& joins = mode == schema::JoinMode::direct ? book_.direct_join : book_.invitation_join;
    if (joins) wrong(indexed("joins", i), "is listed twice");
    joins = true;
  }
  if (!book_.direct_join && !book_.invitation_join) {
    wrong("joins", "must name a way to join: direct, invitation or both");
  }
  book_.members_may_leave = source_.members_may_leave();
  book_.access_without_role_is_all = source_.access_without_role_is_all();
  book_.space_guests = source_.space_guests();
  book_.custom_space_roles = source_.custom_space_roles();
  book_.needs_payment_method = source_.needs_payment_method().value_or(false);
  book_.default_plan = source_.default_plan()->str();
  if (!is_valid_id(book_.default_plan)) wrong("default_plan", "must name a plan");
}

// What is more than the sets hold is not looked at any further.
bool Compiler::fits() {
  const auto at_most = [&](const char* field, size_t size, size_t max) {
    if (size > max) wrong(field, "at most " + std::to_string(max) + " are possible");
    return size <= max;
  };
  const auto* levels = source_.space_roles();
  const bool types = at_most("resource_types", source_.resource_types()->size(), kMaxResourceTypes);
  const bool roles = at_most("organization_roles", source_.organization_roles()->size(), kMaxRoles);
  return at_most("space_roles", levels == nullptr ? 0 : levels->size(), kMaxRoles) && types &&
         roles;
}

void Compiler::name_is_valid(const std::string& path, std::string_view name) {
  if (is_reserved(name)) {
    wrong(path, in_quotes(name) + " is reserved for the engine; choose another");
  } else if (!is_valid_id(name)) {
    wrong(path, in_quotes(name) + " must be an id: 1-128 of A-Z a-z 0-9 . _ : -");
  }
}

void Compiler::name_is_new(const std::string& path, std::string_view name,
                           std::set<std::string_view>& all) {
  name_is_valid(path, name);
  if (!all.insert(name).second) wrong(path, in_quotes(name) + " is listed twice");
}

void Compiler::resource_types() {
  const auto& types = *source_.resource_types();
  if (types.size() == 0) wrong("resource_types", "must name at least one type");
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < types.size(); ++i) {
    const schema::ResourceType& type = *types[i];
    const std::string path = indexed("resource_types", i) + ".name";
    const std::string_view name = text(type.name());
    name_is_new(path, name, names);
    if (name.contains(':')) wrong(path, in_quotes(name) + " must be an id without ':'");
    book_.resource_types.push_back({std::string(name), type.copyable(), type.copy_keeps_ids(), {}});
  }
  for (uint32_t i = 0; i < types.size(); ++i) type_is_copied(i);
}

void Compiler::type_is_copied(size_t index) {
  const schema::ResourceType& source = *(*source_.resource_types())[static_cast<uint32_t>(index)];
  ResourceType& type = book_.resource_types[index];
  const std::string path = indexed("resource_types", index);
  if (type.copy_keeps_ids && !type.copyable) {
    wrong(path + ".copy_keeps_ids", type.name + " is not copyable, so it has no copies");
  }
  if (source.linked_copyable() == nullptr) return;
  if (!type.copyable) {
    wrong(path + ".linked_copyable", type.name + " is not copyable, so nothing goes along with it");
  }
  for (uint32_t i = 0; i < source.linked_copyable()->size(); ++i) {
    const std::string_view name = text(source.linked_copyable()->Get(i));
    const std::string at = indexed(path + ".linked_copyable", i);
    const std::optional<TypeIndex> linked = book_.resource_type(name);
    if (!linked) {
      wrong(at, in_quotes(name) + " is not a resource type");
      continue;
    }
    if (!book_.resource_types[*linked].copyable) {
      wrong(at, in_quotes(name) + " is not copyable, so it cannot go along");
    }
    if (type.linked_copyable.test(*linked)) wrong(at, in_quotes(name) + " is listed twice");
    type.linked_copyable.set(*linked);
  }
}

template <class Source, class Role>
void Compiler::named_roles(std::string_view field, const Source& source, std::vector<Role>& roles) {
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < source.size(); ++i) {
    name_is_new(indexed(field, i) + ".name", text(source[i]->name()), names);
    roles.emplace_back().name = source[i]->name()->str();
  }
}

void Compiler::add_action(const std::string& path, const std::string& role, std::string_view name,
                          ActionSet& actions) {
  const bool every_type = name.ends_with(":*") && !book_.resource_types.empty();
  const std::string one =
      every_type ? std::string(name.substr(0, name.size() - 1)) + book_.resource_types.front().name
                 : std::string(name);
  const std::optional<NamedAction> action = parse_action(one, book_);
  if (!action)
    return wrong(path, role + " has " + in_quotes(name) + ", which is not an action here");
  if (action->plain && *action->plain >= kFirstServiceAction) {
    return wrong(path, role + " has " + in_quotes(name) + ", which is for services only");
  }
  if (action->plain) return actions.add(*action->plain);
  if (!every_type) return actions.add(action->verb, action->type);
  for (size_t type = 0; type < book_.resource_types.size(); ++type) {
    actions.add(action->verb, static_cast<TypeIndex>(type));
  }
}

template <class Role>
RoleSet Compiler::role_set(const std::string& path, const std::string& says, const Texts* names,
                           const std::vector<Role>& all) {
  RoleSet roles;
  if (names == nullptr) return roles;
  for (uint32_t i = 0; i < names->size(); ++i) {
    const std::string_view name = text(names->Get(i));
    const auto found = std::ranges::find(all, name, &Role::name);
    const auto index = static_cast<size_t>(found - all.begin());
    if (found == all.end()) {
      wrong(indexed(path, i), says + in_quotes(name) + ", which is not a role listed beside it");
    } else if (roles.test(index)) {
      wrong(indexed(path, i), says + in_quotes(name) + " twice");
    } else {
      roles.set(index);
    }
  }
  return roles;
}

template <class Role>
void Compiler::role(const RoleSource& source, const std::vector<Role>& all, Role& role) {
  const std::string actions = source.path + ".actions";
  if (source.actions->size() == 0) {
    wrong(actions, role.name + " has no action at all; give it one, or leave the role out");
  }
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < source.actions->size(); ++i) {
    const std::string_view name = text(source.actions->Get(i));
    if (!names.insert(name).second) {
      wrong(indexed(actions, i), role.name + " has " + in_quotes(name) + " twice");
    }
    add_action(indexed(actions, i), role.name, name, role.actions);
  }
  role.assigns = role_set(source.path + ".assigns", role.name + " assigns ", source.assigns, all);
  role.acts_on = role_set(source.path + ".acts_on", role.name + " acts on ", source.acts_on, all);
}

void Compiler::organization_roles() {
  const auto& sources = *source_.organization_roles();
  if (sources.size() == 0) wrong("organization_roles", "must name at least one role");
  named_roles("organization_roles", sources, book_.organization_roles);
  if (source_.space_roles() != nullptr) {
    named_roles("space_roles", *source_.space_roles(), book_.space_roles);
  }
  for (uint32_t i = 0; i < sources.size(); ++i) {
    const schema::OrganizationRole& source = *sources[i];
    OrganizationRole& compiled = book_.organization_roles[i];
    const std::string path = indexed("organization_roles", i);
    role({path, source.actions(), source.assigns(), source.acts_on()}, book_.organization_roles,
         compiled);
    compiled.inherits_all = source.inherits_all();
    compiled.non_destructive = source.non_destructive();
    if (compiled.non_destructive && !compiled.actions.has(Action::kGroupManage)) {
      wrong(path + ".non_destructive", compiled.name + " has no group.manage to be limited");
    }
    if (source.inherits_space_role() == nullptr) continue;
    const std::string_view name = text(source.inherits_space_role());
    const std::optional<RoleIndex> inherited = book_.space_role(name);
    if (inherited) {
      compiled.inherits = *inherited;
    } else {
      wrong(path + ".inherits_space_role",
            compiled.name + " inherits " + in_quotes(name) + ", which is not a space role");
    }
  }
}

void Compiler::space_roles() {
  for (size_t i = 0; i < book_.space_roles.size(); ++i) {
    const schema::SpaceRole& source = *(*source_.space_roles())[static_cast<uint32_t>(i)];
    SpaceRole& compiled = book_.space_roles[i];
    const std::string path = indexed("space_roles", i);
    role({path, source.actions(), source.assigns(), source.acts_on()}, book_.space_roles, compiled);
    for (uint32_t a = 0; a < source.actions()->size(); ++a) {
      const auto action = parse_action(text(source.actions()->Get(a)), book_);
      if (!action || !action->plain || *action->plain >= kFirstServiceAction) continue;
      if (is_about_a_space(*action->plain)) continue;
      wrong(indexed(path + ".actions", a), compiled.name + " has " +
                                               in_quotes(action_name(*action->plain)) +
                                               ", which is not about one space");
    }
  }
  if (source_.creator_space_role() == nullptr) return;
  const std::string_view creator = text(source_.creator_space_role());
  const std::optional<RoleIndex> level = book_.space_role(creator);
  if (!level) return wrong("creator_space_role", in_quotes(creator) + " is not a space role");
  book_.creator_space_role = *level;
}

void Compiler::owner() {
  const std::string_view name = text(source_.owner_role());
  const std::optional<RoleIndex> owner = book_.organization_role(name);
  if (!owner) return wrong("owner_role", in_quotes(name) + " is not an organization role");
  book_.owner_role = *owner;
  const OrganizationRole& role = book_.organization_roles[*owner];
  const bool transfers = role.actions.has(Action::kOrganizationTransfer);
  if (!role.acts_on.test(*owner)) {
    wrong("owner_role", role.name + " must act on itself; add it to its acts_on");
  }
  const bool makes_others =
      role.assigns.test(*owner) &&
      (role.actions.has(Action::kMemberAdd) || role.actions.has(Action::kMemberChangeRole));
  if (!transfers && !makes_others) {
    wrong("owner_role", "no member could ever become " + role.name +
                            "; give it organization.transfer, or member.add or member.change_role "
                            "and itself in its assigns");
  }
  if (transfers && *owner + 1u == book_.organization_roles.size()) {
    wrong("owner_role", "an owner who hands over needs a lower role; list one below it");
  }
  for (const OrganizationRole& other : book_.organization_roles) {
    if (book_.single_owner && other.assigns.test(*owner)) {
      wrong("single_owner", other.name + " assigns " + role.name + ", which only one may hold");
    }
  }
}

// What is offered must be possible to give, and what may be given must be offered.
void Compiler::ways_to_be_given() {
  for (size_t i = 0; i < book_.organization_roles.size(); ++i) {
    const OrganizationRole& role = book_.organization_roles[i];
    const std::string path = indexed("organization_roles", i) + ".actions";
    if (role.actions.has(Action::kAccessManage) && !gives_access()) {
      wrong(path, "access.manage needs space roles to give; list space_roles");
    }
    if (role.actions.has(Action::kSpaceRoleDefine) && !book_.custom_space_roles) {
      wrong(path, "space_role.define needs custom_space_roles");
    }
  }
  if (book_.custom_space_roles && !anybody_has(Action::kSpaceRoleDefine)) {
    wrong("custom_space_roles", "no role has space_role.define, so nobody could define one");
  }
  if (book_.space_guests && !book_.invitation_join) {
    wrong("space_guests", "guests come by invitation alone; add it to joins");
  }
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
  Compiler compiler(source);
  compiler.run();
  if (compiler.nonsense().empty()) {
    return std::make_shared<const Rulebook>(std::move(compiler.book()));
  }
  const Nonsense& first = compiler.nonsense().front();
  return fail(ErrorKind::kInvalid,
              "rulebook " + in_quotes(text(source.name())) + ", " + first.path + ": " + first.what);
}

std::vector<Nonsense> Rulebook::nonsense(const schema::Rulebook& source, const Catalog& catalog) {
  Compiler compiler(source);
  compiler.run();
  std::vector<Nonsense> nonsense = std::move(compiler.nonsense());
  const std::string_view name = text(source.default_plan());
  const schema::Plan* plan = catalog.find(name);
  if (plan == nullptr && is_valid_id(name)) {
    nonsense.push_back(
        {"default_plan",
         in_quotes(name) + " is not a plan of the catalog; its plans are " + catalog.plan_names()});
  } else if (plan != nullptr && plan->price_minor() > 0) {
    nonsense.push_back({"default_plan", "spaces start on it unasked, so " + in_quotes(name) +
                                            " must cost nothing"});
  }
  return nonsense;
}

}  // namespace tenure
