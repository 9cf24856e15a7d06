#include <set>
#include <vector>

#include "engine/domain/decide_commands.h"
#include "engine/domain/meters.h"
#include "engine/domain/resources.h"

namespace tenure {
namespace {

constexpr size_t kMaxImported = 5000;

// Links name resources of the same space: this one too, and those that come with it.
Verdict links_exist(const SpaceCaller& caller, const Texts* links,
                    const std::set<std::string_view>& coming) {
  if (links == nullptr) return {};
  for (const auto* link : *links) {
    if (!coming.contains(text(link))) (void)TRY(existing_resource(caller, text(link)));
  }
  return {};
}

Verdict changes_resource(const SpaceCaller& caller, const Resource& held,
                         const SaidResource& said) {
  if (!is_as_said(held, said)) return {};
  return reject(RejectionCode::nothing_to_do, "that is the resource already",
                rule_of(caller, "a change changes something"));
}

Verdict valid_import(const schema::ImportSpace& command) {
  TRY(valid_id("space", command.space()));
  TRY(valid_size("resources", command.resources()->size(), kMaxImported));
  std::set<std::string_view> ids;
  for (const auto* resource : *command.resources()) {
    TRY(valid_resource(*resource));
    if (ids.insert(text(resource->resource())).second) continue;
    return reject(
        RejectionCode::invalid_value,
        "resource " + in_quotes(text(resource->resource())) + " is named twice; say each once",
        "contract: import");
  }
  return {};
}

Verdict known_types(const SpaceCaller& caller, const schema::ImportSpace& command) {
  for (const auto* resource : *command.resources()) {
    (void)TRY(known_type(caller, text(resource->type())));
  }
  return {};
}

// What an import comes to: what it says that is new or different, in the order sent.
struct Import {
  std::vector<SaidResource> changes;
  std::set<std::string_view> ids;  // of all that it says
  uint64_t added = 0;
};

Guarded<Import> sort_out(const SpaceCaller& caller, const schema::ImportSpace& command) {
  Import import;
  for (const auto* resource : *command.resources()) {
    const SaidResource said = said_in(*resource);
    const TypeIndex type = TRY(known_type(caller, said.type));
    const Resource* held = find_resource(caller, said.id);
    import.ids.insert(said.id);
    if (held != nullptr && held->type == type && is_as_said(*held, said)) {
      // That it is so is for those to know who may read it.
      TRY(holds_for_type(caller, ResourceVerb::kRead, type));
      continue;
    }
    TRY(holds_to_put(caller, held, type));
    import.changes.push_back(said);
    import.added += held == nullptr;
  }
  return import;
}

Verdict fits(const SpaceCaller& caller, const Import& import) {
  for (const SaidResource& said : import.changes) {
    const Resource* held = find_resource(caller, said.id);
    if (held != nullptr) {
      TRY(keeps_type(caller, said.id, *held, TRY(known_type(caller, said.type))));
    }
    TRY(links_exist(caller, said.links, import.ids));
  }
  return {};
}

Verdict changes_something(const SpaceCaller& caller, const Import& import) {
  if (!import.changes.empty()) return {};
  return reject(RejectionCode::nothing_to_do, "the space holds all of this already",
                rule_of(caller, "a change changes something"));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CreateResource& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_resource(command));
  const SaidResource said = said_in(command);
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_some(caller, ResourceVerb::kCreate));
  const TypeIndex type = TRY(known_type(caller, said.type));
  TRY(holds_for_type(caller, ResourceVerb::kCreate, type));
  TRY(exists(caller));
  TRY(links_exist(caller, said.links, {said.id}));
  TRY(is_free(caller, said.id));
  TRY(takes_more(caller));
  const Rise resources = TRY(resources_rise(in.context.now, caller, 1));

  put_resource(caller, said, events);
  tell_crossed(caller, resources, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::UpdateResource& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_resource(command));
  const SaidResource said = said_in(command);
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_some(caller, ResourceVerb::kUpdate));
  const TypeIndex type = TRY(known_type(caller, said.type));
  TRY(exists(caller));
  const Resource* held = TRY(existing_resource(caller, said.id));
  TRY(holds_for_type(caller, ResourceVerb::kUpdate, held->type));
  TRY(keeps_type(caller, said.id, *held, type));
  TRY(links_exist(caller, said.links, {}));
  TRY(takes_more(caller));
  TRY(changes_resource(caller, *held, said));

  put_resource(caller, said, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::DeleteResource& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_id("resource", command.resource()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_some(caller, ResourceVerb::kDelete));
  TRY(exists(caller));
  const Resource* found = TRY(existing_resource(caller, text(command.resource())));
  TRY(holds_for_type(caller, ResourceVerb::kDelete, found->type));
  TRY(is_not_archived(caller));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto resource = builder.CreateString(command.resource());
  const std::string& type = caller.rulebook.resource_types[found->type].name;
  events.add(schema::CreateResourceDeleted(builder, space, resource, builder.CreateString(type)));
  return {};
}

Verdict decide(const Incoming& in, const schema::ImportSpace& command, EventSink& events) {
  TRY(valid_import(command));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_some_change(caller));
  TRY(known_types(caller, command));
  TRY(exists(caller));
  const Import import = TRY(sort_out(caller, command));
  TRY(fits(caller, import));
  TRY(takes_more(caller));
  TRY(changes_something(caller, import));
  const Rise resources = TRY(resources_rise(in.context.now, caller, import.added));

  for (const SaidResource& said : import.changes) put_resource(caller, said, events);
  tell_crossed(caller, resources, events);
  return {};
}

}  // namespace tenure
