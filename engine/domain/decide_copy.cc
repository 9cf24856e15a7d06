// CopyResources: from one space to another of the organization; a copy shares nothing with its
// source.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/meters.h"
#include "engine/domain/resources.h"

namespace tenure {
namespace {

// Together they bound the decision: a command of a few bytes must not become one too large to keep.
constexpr size_t kMaxCopies = 1000;
constexpr size_t kMaxCopiedLinks = 10'000;

Verdict valid_copy(const schema::CopyResources& command) {
  TRY(valid_id("from", command.from()));
  TRY(valid_id("to", command.to()));
  if (text(command.from()) == text(command.to())) {
    return reject(RejectionCode::invalid_value, "a copy goes to another space; choose another to",
                  "contract: copies");
  }
  if (command.resources()->size() == 0) {
    return reject(RejectionCode::invalid_value, "resources is empty; name at least one",
                  "contract: copies");
  }
  TRY(valid_size("resources", command.resources()->size(), kMaxCopies));
  std::set<std::string_view> ids;
  for (const schema::CopyItem* item : *command.resources()) {
    TRY(valid_id("resources.resource", item->resource()));
    if (item->as() != nullptr) TRY(valid_id("resources.as", item->as()));
    if (ids.insert(text(item->resource())).second) continue;
    return reject(RejectionCode::invalid_value,
                  "resource " + in_quotes(text(item->resource())) + " is named twice; name it once",
                  "contract: copies");
  }
  return {};
}

struct Copy {
  std::string_view id;  // of the source
  const Resource* source;
  std::string as;                      // empty as long as nobody named it
  const Resource* replaced = nullptr;  // what `to` has by the same id, where copies keep theirs
  std::vector<ResourceId> links = {};
  std::vector<std::string_view> dropped = {};

  bool changes_something() const {
    return replaced == nullptr || replaced->content != source->content || replaced->links != links;
  }
};

// What is copied, in the order of the events: what was named, then what goes along, each once.
struct Copies {
  std::vector<Copy> list;
  std::map<std::string_view, size_t> place;  // of a source in the list
  size_t links = 0;
};

Verdict fits_one_copy(const SpaceCaller& caller, const Copies& copies) {
  if (copies.list.size() <= kMaxCopies && copies.links <= kMaxCopiedLinks) return {};
  return reject(RejectionCode::invalid_value,
                "with what goes along that is more than " + std::to_string(kMaxCopies) +
                    " resources or " + std::to_string(kMaxCopiedLinks) +
                    " links; copy fewer at once",
                rule_of(caller, "size of a copy"));
}

void add(Copies& copies, std::string_view id, const Resource& source, std::string_view as) {
  if (!copies.place.emplace(id, copies.list.size()).second) return;
  copies.list.push_back({id, &source, std::string(as)});
  copies.links += source.links.size();
}

Guarded<Copies> named(const SpaceCaller& from, const schema::CopyResources& command) {
  Copies copies;
  for (const schema::CopyItem* item : *command.resources()) {
    const std::string_view id = text(item->resource());
    add(copies, id, *TRY(existing_resource(from, id)), text(item->as()));
  }
  TRY(fits_one_copy(from, copies));
  return copies;
}

// What goes along may have what goes along with it.
Verdict add_linked(const SpaceCaller& from, Copies& copies) {
  for (size_t i = 0; i < copies.list.size(); ++i) {
    const Resource& source = *copies.list[i].source;
    const auto& along = from.rulebook.resource_types[source.type].linked_copyable;
    for (const ResourceId& link : source.links) {
      const Resource* linked = find_resource(from, link.str());
      if (linked != nullptr && along.test(linked->type)) add(copies, link.str(), *linked, {});
    }
    TRY(fits_one_copy(from, copies));
  }
  return {};
}

Verdict is_copyable(const SpaceCaller& caller, const Copy& copy) {
  const ResourceType& type = caller.rulebook.resource_types[copy.source->type];
  if (type.copyable) return {};
  return reject(
      RejectionCode::invalid_value,
      in_quotes(copy.id) + " is of type " + type.name + ", which is not copied; leave it out",
      rule_of(caller, type.name + " is not copyable"));
}

Verdict may_be_read(const SpaceCaller& from, const Copies& copies) {
  for (const Copy& copy : copies.list) {
    TRY(holds_for_type(from, ResourceVerb::kRead, copy.source->type));
    TRY(is_copyable(from, copy));
  }
  return {};
}

// Gives every copy its id: the one said, its source's where copies keep theirs, else the command's
// with its place among the copies, from 1.
void name_copies(const SpaceCaller& to, std::string_view command_id, Copies& copies) {
  size_t place = 0;
  for (Copy& copy : copies.list) {
    ++place;
    if (!copy.as.empty()) continue;
    if (to.rulebook.resource_types[copy.source->type].copy_keeps_ids) {
      copy.as = copy.id;
      copy.replaced = find_resource(to, copy.as);
    } else {
      copy.as = std::string(command_id) + "-" + std::to_string(place);
    }
  }
}

// Whether the target holds it already, as a copy that kept its id.
bool is_copied(const SpaceCaller& from, const SpaceCaller& to, std::string_view id) {
  const Resource* const source = find_resource(from, id);
  const Resource* const held = find_resource(to, id);
  return source != nullptr && held != nullptr && source->type == held->type &&
         to.rulebook.resource_types[held->type].copy_keeps_ids;
}

// Links among what is copied lead to the copies, and to those of before; others would leave the
// space.
void move_links(const SpaceCaller& from, const SpaceCaller& to, Copies& copies) {
  for (Copy& copy : copies.list) {
    for (const ResourceId& link : copy.source->links) {
      const auto along = copies.place.find(link.str());
      if (along != copies.place.end()) {
        copy.links.emplace_back(copies.list[along->second].as);
      } else if (is_copied(from, to, link.str())) {
        copy.links.emplace_back(link.str());
      } else {
        copy.dropped.push_back(link.str());
      }
    }
  }
}

Verdict is_valid(const SpaceCaller& caller, const Copy& copy) {
  if (is_valid_id(copy.as)) return {};
  return reject(RejectionCode::invalid_id,
                in_quotes(copy.as) + " would be the id of a copy and is none; say `as` for " +
                    in_quotes(copy.id),
                rule_of(caller, "a copy's id is its command's and a number"));
}

Verdict is_no_other_copys(const SpaceCaller& caller, const Copy& copy,
                          std::set<std::string_view>& taken) {
  if (taken.insert(copy.as).second) return {};
  return reject(RejectionCode::already_exists,
                in_quotes(copy.as) + " would be the id of two copies; choose another for one",
                rule_of(caller, "resource ids are unique in their space"));
}

Verdict may_be_put(const SpaceCaller& to, const Copies& copies) {
  for (const Copy& copy : copies.list) TRY(holds_to_put(to, copy.replaced, copy.source->type));
  std::set<std::string_view> taken;
  for (const Copy& copy : copies.list) {
    TRY(is_valid(to, copy));
    if (copy.replaced == nullptr) {
      TRY(is_free(to, copy.as));
    } else {
      TRY(keeps_type(to, copy.as, *copy.replaced, copy.source->type));
    }
    TRY(is_no_other_copys(to, copy, taken));
  }
  return {};
}

Verdict changes_something(const SpaceCaller& caller, const Copies& copies) {
  if (std::ranges::any_of(copies.list, &Copy::changes_something)) return {};
  return reject(RejectionCode::nothing_to_do, "the space holds all of this already",
                rule_of(caller, "a change changes something"));
}

uint64_t count_new(const Copies& copies) {
  return static_cast<uint64_t>(std::ranges::count(copies.list, nullptr, &Copy::replaced));
}

// As strings of the buffer; absent if there are none.
template <class Ids>
TextsOffset ids_in(flatbuffers::FlatBufferBuilder& builder, const Ids& ids) {
  if (ids.empty()) return 0;
  std::vector<flatbuffers::Offset<flatbuffers::String>> texts;
  texts.reserve(ids.size());
  for (const auto& id : ids) texts.push_back(builder.CreateString(std::string_view(id)));
  return builder.CreateVector(texts);
}

void tell(const SpaceCaller& from, const SpaceCaller& to, const Copy& copy, EventSink& events) {
  auto& builder = events.builder();
  const auto source = builder.CreateString(from.space_id);
  const auto target = builder.CreateString(to.space_id);
  const auto resource = builder.CreateString(copy.id);
  const auto as = builder.CreateString(copy.as);
  const auto type = builder.CreateString(to.rulebook.resource_types[copy.source->type].name);
  const auto links = ids_in(builder, copy.links);
  const auto dropped = ids_in(builder, copy.dropped);
  events.add(schema::CreateResourceCopied(builder, source, target, resource, as, type, links,
                                          dropped, next_version(to, copy.as),
                                          copy.replaced != nullptr));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CopyResources& command, EventSink& events) {
  TRY(valid_copy(command));
  const Caller caller = TRY(admit(in));
  const SpaceCaller from = TRY(enter_space(caller, text(command.from())));
  const SpaceCaller to = TRY(enter_space(caller, text(command.to())));
  TRY(holds_some(from, ResourceVerb::kRead));
  TRY(holds_some_change(to));
  TRY(exists(from));
  TRY(exists(to));
  Copies copies = TRY(named(from, command));
  if (command.with_linked()) TRY(add_linked(from, copies));
  TRY(may_be_read(from, copies));
  name_copies(to, text(in.envelope.id()), copies);
  move_links(from, to, copies);
  TRY(may_be_put(to, copies));
  TRY(takes_more(to));
  TRY(changes_something(to, copies));
  const Rise resources = TRY(resources_rise(in.context.now, to, count_new(copies)));

  for (const Copy& copy : copies.list) {
    if (copy.changes_something()) tell(from, to, copy, events);
  }
  tell_crossed(to, resources, events);
  return {};
}

}  // namespace tenure
