#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/meters.h"

namespace tenure {
namespace {

constexpr size_t kMaxLinks = 1000;

Verdict valid_resource(const schema::CreateResource& command) {
  TRY(valid_id("space", command.space()));
  TRY(valid_id("resource", command.resource()));
  if (command.name() != nullptr) TRY(valid_name("name", command.name()));
  if (command.digest() != nullptr) TRY(valid_name("digest", command.digest()));
  if (command.links() == nullptr) return {};
  TRY(valid_size("links", command.links()->size(), kMaxLinks));
  for (const auto* link : *command.links()) TRY(valid_id("links", link));
  return {};
}

Guarded<TypeIndex> known_type(const Caller& caller, std::string_view name) {
  if (const auto type = caller.rulebook.resource_type(name)) return *type;
  std::string types;
  for (const ResourceType& type : caller.rulebook.resource_types) {
    types += (types.empty() ? "" : ", ") + type.name;
  }
  return reject(RejectionCode::unknown_type,
                "type " + in_quotes(name) + " is unknown; the types are " + types,
                rule_of(caller, "resource types"));
}

Guarded<const Resource*> existing_resource(const SpaceCaller& caller, std::string_view id) {
  const auto found = caller.space->resources.find(id);
  if (found != caller.space->resources.end() && !found->second.deleted) return &found->second;
  return reject(RejectionCode::not_found,
                "there is no resource " + in_quotes(id) + " in this space; check the id",
                rule_of(caller, "target exists"));
}

Verdict links_exist(const SpaceCaller& caller, const Texts* links) {
  if (links == nullptr) return {};
  for (const auto* link : *links) (void)TRY(existing_resource(caller, text(link)));
  return {};
}

// The version the resource gets: one more than its id had before it was deleted.
Guarded<uint64_t> next_version(const SpaceCaller& caller, std::string_view id) {
  const auto found = caller.space->resources.find(id);
  if (found == caller.space->resources.end()) return uint64_t{1};
  if (found->second.deleted) return found->second.version + 1;
  return reject(RejectionCode::already_exists,
                "resource " + in_quotes(id) + " exists in this space; choose another id",
                rule_of(caller, "resource ids are unique in their space"));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CreateResource& command, EventSink& events) {
  TRY(valid_resource(command));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_some(caller, ResourceVerb::kCreate));
  const TypeIndex type = TRY(known_type(caller, text(command.type())));
  TRY(holds_for_type(caller, ResourceVerb::kCreate, type));
  TRY(exists(caller));
  TRY(links_exist(caller, command.links()));
  const uint64_t version = TRY(next_version(caller, text(command.resource())));
  TRY(is_not_archived(caller));
  const Rise resources = TRY(resources_rise(in.context.now, caller));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto type_text = builder.CreateString(command.type());
  const auto resource = builder.CreateString(command.resource());
  const auto name = copy_text(builder, command.name());
  const auto links = copy_texts(builder, command.links());
  const auto digest = copy_text(builder, command.digest());
  events.add(schema::CreateResourceCreated(builder, space, type_text, resource, name, links, digest,
                                           version));
  tell_crossed(caller, resources, events);
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

}  // namespace tenure
