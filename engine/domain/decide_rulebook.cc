#include <algorithm>
#include <map>
#include <set>

#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

constexpr size_t kMaxRulebookSize = size_t{256} * 1024;
constexpr size_t kMaxMappings = 128;

using Book = std::shared_ptr<const Rulebook>;
using Map = flatbuffers::Vector<flatbuffers::Offset<schema::Mapping>>;

std::unexpected<Rejection> no_rulebook(const std::string& why) {
  return reject(RejectionCode::invalid_rulebook, why, "contract: AdoptRulebook");
}

// What the text says, if it makes sense here and now: the plan that new spaces get costs nothing.
Guarded<Book> sensible(const Incoming& in, const schema::AdoptRulebook& command) {
  const std::string_view text = tenure::text(command.rulebook());
  if (text.size() > kMaxRulebookSize) {
    return no_rulebook("a rulebook may have at most 256 KiB; make it shorter");
  }
  auto book = in.context.rulebooks.adoptable(text);
  if (!book) return no_rulebook(book.error().message);
  const schema::Plan* plan = in.context.catalog.find((*book)->default_plan);
  if (plan == nullptr || is_paid(*plan)) {
    return no_rulebook("default_plan " + in_quotes((*book)->default_plan) +
                       " must be a plan that costs nothing; the plans are " +
                       in.context.catalog.plan_names());
  }
  return *book;
}

Verdict valid_map(const Map* map) {
  if (map == nullptr) return {};
  TRY(valid_size("map", map->size(), kMaxMappings));
  for (const schema::Mapping* mapping : *map) {
    TRY(valid_id("map", mapping->key()));
    TRY(valid_id("map", mapping->value()));
  }
  return {};
}

// A name and version mean one rulebook for ever: decisions are read by it.
Verdict is_named_anew(const Incoming& in, const Caller& caller,
                      const schema::AdoptRulebook& command, const Rulebook& book) {
  const std::string_view text = tenure::text(command.rulebook());
  if (!Rulebooks::is_text(text)) return {};
  if (in.context.rulebooks.find(book.pinned_name) != nullptr) {
    return no_rulebook(book.pinned_name + " is built in; give yours another name");
  }
  const auto adopted = caller.organization.adopted.find(book.pinned_name);
  if (adopted == caller.organization.adopted.end() || adopted->second == text_fingerprint(text)) {
    return {};
  }
  return no_rulebook(book.pinned_name + " was adopted with another text; raise its version");
}

Verdict changes_rulebook(const Caller& caller, const schema::AdoptRulebook& command,
                         const Rulebook& book) {
  const std::string_view text = tenure::text(command.rulebook());
  const bool held = Rulebooks::is_text(text) ? text == caller.organization.rulebook_text
                                             : book.pinned_name == caller.rulebook.pinned_name;
  if (!held) return {};
  return reject(RejectionCode::nothing_to_do, book.pinned_name + " holds already",
                rule_of(caller, "a change changes something"));
}

std::string_view mapped(const Map* map, std::string_view role) {
  if (map == nullptr) return role;
  for (const schema::Mapping* mapping : *map) {
    if (text(mapping->key()) == role) return text(mapping->value());
  }
  return role;
}

// Who holds each role, by its name: who is named in a refusal.
using Holders = std::map<std::string, std::set<std::string>, std::less<>>;

Holders organization_role_holders(const Organization& organization) {
  Holders holders;
  for (const auto& [user, member] : organization.members) {
    holders[organization.rulebook->role(member.role).name].insert(user.str());
  }
  return holders;
}

Holders space_role_holders(const Organization& organization) {
  Holders holders;
  for (const auto& [id, space] : organization.spaces) {
    for (const auto& [subject, roles] : space.access) {
      for (const RoleIndex role : roles) {
        holders[organization.rulebook->space_roles[role].name].insert(subject.str());
      }
    }
  }
  return holders;
}

std::string some_of(const std::set<std::string>& names) {
  constexpr size_t kShown = 5;
  std::string list;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (shown++ == kShown) return list + " and " + std::to_string(names.size() - kShown) + " more";
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

std::unexpected<Rejection> in_use(const Caller& caller, std::string_view role,
                                  const std::set<std::string>& holders, std::string_view advice) {
  return reject(RejectionCode::role_in_use,
                std::string(role) + " is held by " + some_of(holders) + "; " + std::string(advice),
                rule_of(caller, "no holder is left without a role"));
}

constexpr std::string_view kMapIt = "keep the role, or map it to one of the new ones";

Verdict keeps_organization_roles(const Caller& caller, const Rulebook& book, const Map* map) {
  for (const auto& [role, holders] : organization_role_holders(caller.organization)) {
    if (!book.organization_role(mapped(map, role))) return in_use(caller, role, holders, kMapIt);
  }
  return {};
}

// A custom role goes along where the new rulebook lets organizations define some, and does not use
// its name for something else.
bool goes_along(const SpaceRole& role, const Rulebook& book) {
  return role.custom && book.custom_space_roles && !book.space_role(role.name);
}

Verdict keeps_space_roles(const Caller& caller, const Rulebook& book, const Map* map) {
  for (const auto& [name, holders] : space_role_holders(caller.organization)) {
    const std::string_view to = mapped(map, name);
    const SpaceRole& role = caller.rulebook.space_roles[*caller.rulebook.space_role(name)];
    const bool kept =
        to == name && (goes_along(role, book) || (!role.custom && book.space_role(to)));
    if (!kept && (to == name || !book.space_role(to))) return in_use(caller, name, holders, kMapIt);
  }
  return {};
}

// Access of somebody who is no member is nothing that such a rulebook gives.
Verdict keeps_guests(const Caller& caller, const Rulebook& book) {
  if (book.space_guests) return {};
  constexpr std::string_view kUser = "user:";
  std::set<std::string> guests;
  for (const auto& [id, space] : caller.organization.spaces) {
    for (const auto& [subject, roles] : space.access) {
      std::string_view user = subject.str();
      if (!user.starts_with(kUser)) continue;
      user.remove_prefix(kUser.size());
      if (!caller.organization.members.contains(user)) guests.emplace(user);
    }
  }
  if (guests.empty()) return {};
  return reject(RejectionCode::role_in_use,
                some_of(guests) +
                    " would be in a space without being a member; make them members, "
                    "or revoke their access, first",
                rule_of(caller, book.pinned_name + " has no space guests"));
}

Verdict keeps_resource_types(const Caller& caller, const Rulebook& book) {
  for (const auto& [id, space] : caller.organization.spaces) {
    for (const auto& [resource, held] : space.resources) {
      const std::string& type = caller.rulebook.resource_types[held.type].name;
      if (held.deleted || book.resource_type(type)) continue;
      return no_rulebook("there are resources of type " + in_quotes(type) +
                         "; keep the type, or delete them first");
    }
  }
  return {};
}

Verdict leaves_an_owner(const Caller& caller, const Rulebook& book, const Map* map) {
  size_t owners = 0, suspended = 0;
  for (const auto& [user, member] : caller.organization.members) {
    const auto role = book.organization_role(mapped(map, caller.rulebook.role(member.role).name));
    if (role == book.owner_role) ++(member.suspended ? suspended : owners);
  }
  const std::string& name = book.role(book.owner_role).name;
  if (owners == 0) {
    return reject(RejectionCode::last_owner,
                  "nobody would be " + name + "; map the role of an owner to it",
                  rule_of(caller, "general law 3: never without a member who is " + name));
  }
  if (owners + suspended == 1 || !book.single_owner) return {};
  return reject(RejectionCode::last_owner,
                "exactly one may be " + name + ", not " + std::to_string(owners + suspended) +
                    "; change the roles of the others first, of those who are suspended, too",
                rule_of(caller, book.pinned_name + " has exactly one " + name));
}

void tell_changed_members(const Caller& caller, const Map* map, EventSink& events) {
  std::map<std::string_view, const Member*> members;
  for (const auto& [user, member] : caller.organization.members) {
    members.emplace(user.str(), &member);
  }
  auto& builder = events.builder();
  for (const auto& [user, member] : members) {
    const std::string& from = caller.rulebook.role(member->role).name;
    const std::string_view to = mapped(map, from);
    if (to == from) continue;
    const auto user_text = builder.CreateString(user);
    const auto to_text = builder.CreateString(to);
    events.add(schema::CreateRoleChanged(builder, user_text, to_text, builder.CreateString(from)));
  }
}

TextsOffset texts_of(flatbuffers::FlatBufferBuilder& builder, const std::set<std::string>& texts) {
  std::vector<flatbuffers::Offset<flatbuffers::String>> offsets;
  offsets.reserve(texts.size());
  for (const std::string& each : texts) offsets.push_back(builder.CreateString(each));
  return builder.CreateVector(offsets);
}

void tell_changed_access(const Caller& caller, const Map* map, EventSink& events) {
  using Grant = std::pair<std::string_view, std::string_view>;  // space, subject
  std::map<Grant, std::set<std::string>> changed;
  std::map<Grant, RoleSet> before;
  for (const auto& [id, space] : caller.organization.spaces) {
    for (const auto& [subject, roles] : space.access) {
      std::set<std::string> names;
      bool differs = false;
      for (const RoleIndex role : roles) {
        const std::string& name = caller.rulebook.space_roles[role].name;
        differs |= mapped(map, name) != name;
        names.emplace(mapped(map, name));
        before[{id.str(), subject.str()}].set(role);
      }
      if (differs) changed.emplace(Grant{id.str(), subject.str()}, names);
    }
  }
  auto& builder = events.builder();
  for (const auto& [grant, names] : changed) {
    const auto space = builder.CreateString(grant.first);
    const auto subject = builder.CreateString(grant.second);
    const auto roles = texts_of(builder, names);
    const auto from = space_role_texts(builder, caller.rulebook, before[grant]);
    events.add(schema::CreateAccessChanged(builder, space, subject, roles, from));
  }
}

// Custom roles that do not go along, and those that lose actions.
void tell_ended_roles(const Caller& caller, const Rulebook& book, EventSink& events) {
  auto& builder = events.builder();
  for (const SpaceRole& role : caller.rulebook.space_roles) {
    if (!role.custom || goes_along(role, book)) continue;
    events.add(schema::CreateSpaceRoleDeleted(builder, builder.CreateString(role.name)));
  }
}

void tell_narrowed_roles(const Caller& caller, const Rulebook& book, EventSink& events) {
  auto& builder = events.builder();
  for (const SpaceRole& role : caller.rulebook.space_roles) {
    if (!goes_along(role, book)) continue;
    std::set<std::string> kept;
    size_t held = 0;
    for (const std::string& action : action_names(role.actions, caller.rulebook)) {
      ++held;
      if (parse_action(action, book)) kept.insert(action);
    }
    if (kept.size() == held) continue;
    const auto name = builder.CreateString(role.name);
    events.add(schema::CreateSpaceRoleDefined(builder, name, texts_of(builder, kept)));
  }
}

// An invitation whose role is called otherwise from now is not what its receiver was shown.
bool names_a_changed_role(const Caller& caller, const Rulebook& book, const Map* map,
                          const Invitation& invitation) {
  const auto changes = [&](const std::string& name, bool known) {
    return mapped(map, name) != name || !known;
  };
  if (invitation.role != kNoRole) {
    const std::string& name = caller.rulebook.role(invitation.role).name;
    return changes(name, book.organization_role(name).has_value());
  }
  return std::ranges::any_of(invitation.space_roles, [&](RoleIndex index) {
    const SpaceRole& role = caller.rulebook.space_roles[index];
    return changes(role.name,
                   role.custom ? goes_along(role, book) : book.space_role(role.name).has_value());
  });
}

flatbuffers::Offset<Map> copy_map(flatbuffers::FlatBufferBuilder& builder, const Map* map) {
  if (map == nullptr) return 0;
  std::vector<flatbuffers::Offset<schema::Mapping>> copies;
  for (const schema::Mapping* mapping : *map) {
    const auto key = builder.CreateString(mapping->key());
    copies.push_back(schema::CreateMapping(builder, key, builder.CreateString(mapping->value())));
  }
  return builder.CreateVector(copies);
}

Verdict lets_define_roles(const Caller& caller) {
  if (caller.rulebook.custom_space_roles) return {};
  return reject(RejectionCode::forbidden,
                "organizations define no space roles here; adopt a rulebook that lets them",
                rule_of(caller, "no custom space roles"));
}

// Resource actions, by name or with * for every type.
Guarded<ActionSet> resource_actions(const Caller& caller, const Texts& names) {
  ActionSet actions;
  for (const auto* name : names) {
    std::string_view action = text(name);
    const bool every = action.ends_with(":*");
    if (every) action.remove_suffix(1);
    bool known = false;
    for (const ResourceType& type : caller.rulebook.resource_types) {
      const std::string one = every ? std::string(action) + type.name : std::string(action);
      if (one.contains(':')) known |= actions.add(one, caller.rulebook);
    }
    if (known) continue;
    return reject(RejectionCode::unknown_action,
                  in_quotes(text(name)) +
                      " is no action of a space role; use resource.read, create, update or delete "
                      "with a type, as resource.read:" +
                      caller.rulebook.resource_types.front().name,
                  rule_of(caller, "custom space roles hold resource actions"));
  }
  return actions;
}

Verdict holds_all(const Caller& caller, const ActionSet& actions) {
  const ActionSet& held = caller.member != nullptr ? caller.role().power : caller.actions;
  if (held.contains(actions)) return {};
  return reject(RejectionCode::escalation,
                "the role may do what you may not; nobody gives more than they hold",
                rule_of(caller, "general law 2: no escalation by " + who(caller)));
}

Verdict is_not_built_in(const Caller& caller, std::string_view name) {
  const auto role = caller.rulebook.space_role(name);
  if (!role || caller.rulebook.space_roles[*role].custom) return {};
  return reject(RejectionCode::already_exists,
                in_quotes(name) + " is a role of the rulebook; choose another name",
                rule_of(caller, "built-in names cannot be taken"));
}

Verdict defines_something(const Caller& caller, std::string_view name, const ActionSet& actions) {
  const auto role = caller.rulebook.space_role(name);
  if (role && caller.rulebook.space_roles[*role].actions == actions) {
    return reject(RejectionCode::nothing_to_do, "the role has just these actions already",
                  rule_of(caller, "a change changes something"));
  }
  if (role || caller.rulebook.space_roles.size() < RoleSet{}.size()) return {};
  return reject(RejectionCode::invalid_value,
                "an organization has at most 64 space roles; delete one that nobody holds",
                rule_of(caller, "at most 64 space roles"));
}

Guarded<RoleIndex> existing_custom_role(const Caller& caller, std::string_view name) {
  const auto role = caller.rulebook.space_role(name);
  if (role && caller.rulebook.space_roles[*role].custom) return *role;
  return reject(RejectionCode::not_found,
                "the organization defined no space role " + in_quotes(name) + "; check its name",
                rule_of(caller, "target exists"));
}

// Nobody holds it, nor would by an invitation that they can accept.
Verdict is_unused(const Caller& caller, RoleIndex role, std::string_view name) {
  std::set<std::string> holders;
  const Holders all = space_role_holders(caller.organization);
  if (const auto found = all.find(name); found != all.end()) holders = found->second;
  for (const auto& [id, invitation] : caller.organization.invitations) {
    const auto named = std::ranges::find(invitation.space_roles, role);
    if (!invitation.expired && named != invitation.space_roles.end()) {
      holders.insert("invitation " + id.str());
    }
  }
  if (holders.empty()) return {};
  return in_use(caller, name, holders, "give them another role first");
}

}  // namespace

Verdict decide(const Incoming& in, const schema::AdoptRulebook& command, EventSink& events) {
  TRY(valid_map(command.map()));
  const Book book = TRY(sensible(in, command));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationRulebook));
  TRY(holds_owner_role(caller, "adopts a rulebook"));
  TRY(is_named_anew(in, caller, command, *book));
  TRY(leaves_an_owner(caller, *book, command.map()));
  TRY(keeps_organization_roles(caller, *book, command.map()));
  TRY(keeps_space_roles(caller, *book, command.map()));
  TRY(keeps_guests(caller, *book));
  TRY(keeps_resource_types(caller, *book));
  TRY(changes_rulebook(caller, command, *book));

  auto& builder = events.builder();
  revoke_invitations(
      caller.organization,
      [&](const Invitation& held) {
        return names_a_changed_role(caller, *book, command.map(), held);
      },
      events);
  const auto text = builder.CreateString(command.rulebook());
  const auto map = copy_map(builder, command.map());
  const auto pinned = builder.CreateString(book->pinned_name);
  events.add(schema::CreateRulebookAdopted(builder, text, map, pinned,
                                           builder.CreateString(caller.rulebook.pinned_name)));
  tell_changed_members(caller, command.map(), events);
  tell_changed_access(caller, command.map(), events);
  tell_ended_roles(caller, *book, events);
  tell_narrowed_roles(caller, *book, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::DefineSpaceRole& command, EventSink& events) {
  TRY(valid_id("role", command.role()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kSpaceRoleDefine));
  TRY(lets_define_roles(caller));
  const ActionSet actions = TRY(resource_actions(caller, *command.actions()));
  TRY(holds_all(caller, actions));
  TRY(is_not_built_in(caller, text(command.role())));
  TRY(defines_something(caller, text(command.role()), actions));

  auto& builder = events.builder();
  const auto role = builder.CreateString(command.role());
  const auto names = builder.CreateVectorOfStrings(action_names(actions, caller.rulebook));
  events.add(schema::CreateSpaceRoleDefined(builder, role, names));
  return {};
}

Verdict decide(const Incoming& in, const schema::DeleteSpaceRole& command, EventSink& events) {
  TRY(valid_id("role", command.role()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kSpaceRoleDefine));
  const RoleIndex role = TRY(existing_custom_role(caller, text(command.role())));
  TRY(is_unused(caller, role, text(command.role())));

  auto& builder = events.builder();
  events.add(schema::CreateSpaceRoleDeleted(builder, builder.CreateString(command.role())));
  return {};
}

}  // namespace tenure
