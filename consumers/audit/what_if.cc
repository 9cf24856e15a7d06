#include "consumers/audit/what_if.h"

#include "engine/domain/evolve.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

std::string_view name_part(std::string_view pinned) { return pinned.substr(0, pinned.find('@')); }

bool happened(const schema::Decision& decision, std::initializer_list<schema::Event> kinds) {
  if (decision.events() == nullptr) return false;
  for (const schema::EventBox* box : *decision.events()) {
    for (const schema::Event kind : kinds) {
      if (box->event_type() == kind) return true;
    }
  }
  return false;
}

// What `from` lets be done, as far as `to` knows of it.
ActionSet in_terms_of(const Rulebook& to, const Rulebook& from, const ActionSet& actions) {
  ActionSet same;
  for (const std::string& name : action_names(actions, from)) same.add(name, to);
  return same;
}

// The candidate, with what the recorded rulebook has and it lacks: types and roles without any
// right, and the organization's own space roles.
Result<std::shared_ptr<const Rulebook>> completed(const Rulebook& candidate,
                                                  const Rulebook& recorded) {
  auto all = std::make_shared<Rulebook>(candidate);
  for (const ResourceType& type : recorded.resource_types) {
    if (!all->resource_type(type.name)) all->resource_types.emplace_back().name = type.name;
  }
  for (const OrganizationRole& role : recorded.organization_roles) {
    if (all->organization_role(role.name)) continue;
    all->organization_roles.emplace_back().name = role.name;
  }
  for (const SpaceRole& role : recorded.space_roles) {
    if (all->space_role(role.name)) continue;
    SpaceRole& added = all->space_roles.emplace_back();
    added.name = role.name;
    added.custom = role.custom;
    if (role.custom) added.actions = in_terms_of(*all, recorded, role.actions);
  }
  const size_t most_roles = std::max(all->organization_roles.size(), all->space_roles.size());
  if (all->resource_types.size() > kMaxResourceTypes || most_roles > RoleSet().size()) {
    return fail(ErrorKind::kInvalid, "the rulebook and " + recorded.pinned_name +
                                         " have too many roles or types together");
  }
  return all;
}

// An event that adopts the rulebook of this name, as an accepted decision.
std::vector<uint8_t> adoption(const Rulebook& rulebook, const Organization& organization) {
  flatbuffers::FlatBufferBuilder inner(256), builder(512);
  inner.Finish(schema::CreateCommandEnvelopeDirect(inner, "what-if", organization.id.str().c_str(),
                                                   "system", schema::Command::LeaveOrganization,
                                                   schema::CreateLeaveOrganization(inner).Union()));
  const auto event = schema::CreateRulebookAdoptedDirect(
      builder, rulebook.pinned_name.c_str(), nullptr, rulebook.pinned_name.c_str(),
      organization.rulebook->pinned_name.c_str());
  const auto box = schema::CreateEventBox(builder, schema::Event::RulebookAdopted, event.Union());
  builder.ForceVectorAlignment(inner.GetSize(), 1, 8);
  const auto command = builder.CreateVector(inner.GetBufferPointer(), inner.GetSize());
  schema::FinishDecisionBuffer(
      builder, schema::CreateDecision(builder, command, 0, 0, schema::Outcome::accepted,
                                      builder.CreateVector(&box, 1)));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::string events_of(const schema::Decision& decision) {
  std::string text;
  if (decision.events() == nullptr) return text;
  for (const schema::EventBox* box : *decision.events()) {
    write_json(decision_schema(), "EventBox", box, text);
  }
  return text;
}

bool same(const schema::Decision& a, const schema::Decision& b) {
  if (a.outcome() != b.outcome()) return false;
  if (a.rejection() != nullptr) return a.rejection()->code() == b.rejection()->code();
  return events_of(a) == events_of(b);
}

}  // namespace

WhatIf::WhatIf(const Rulebooks& rulebooks, const Catalog& catalog, WhatIfOptions options,
               ServicesAt services)
    : rulebooks_(rulebooks),
      options_(std::move(options)),
      services_(std::move(services)),
      own_(rulebooks, catalog),
      other_(rulebooks, catalog) {}

WhatIf::~WhatIf() = default;

Result<void> WhatIf::take(Number number, const schema::Decision& decision, const Difference& tell) {
  ++counts_.decisions;
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const std::string_view org = command.org()->string_view();
  if (org == kServicesOrganization || (!options_.org.empty() && org != options_.org)) return {};
  const auto found = organizations_.find(org);
  const bool exists = found != organizations_.end();
  if (exists && found->second.candidate && command.actor()->string_view() != "system") {
    ask(found->second, decision, tell);
  }
  if (decision.outcome() != schema::Outcome::accepted) return {};
  Entry& entry = exists ? found->second : organizations_[std::string(org)];
  entry.recorded.id = OrgId(org);
  return follow(entry, number, decision);
}

bool WhatIf::concerns(const Organization& organization) const {
  return !options_.org.empty() || name_part(organization.rulebook->pinned_name) ==
                                      name_part(options_.candidate->pinned_name);
}

Result<void> WhatIf::follow(Entry& entry, Number number, const schema::Decision& decision) {
  evolve(entry.recorded, decision, number, rulebooks_);
  const bool other_rules =
      happened(decision, {schema::Event::OrganizationCreated, schema::Event::RulebookAdopted});
  if (other_rules) return put_in_candidates_terms(entry);
  if (entry.candidate) evolve(*entry.candidate, decision, number, rulebooks_);
  return {};
}

// By the same way as an organization adopts a rulebook.
Result<void> WhatIf::put_in_candidates_terms(Entry& entry) {
  entry.candidate.reset();
  if (!concerns(entry.recorded)) return {};
  const auto rulebook = TRY(completed(*options_.candidate, *entry.recorded.rulebook));
  Rulebooks known;
  known.add(rulebook);
  entry.candidate = std::make_unique<Organization>(entry.recorded);
  const std::vector<uint8_t> adopted = adoption(*rulebook, entry.recorded);
  evolve(*entry.candidate, *flatbuffers::GetRoot<schema::Decision>(adopted.data()), Number{0},
         known);
  entry.candidate->version = entry.recorded.version;
  return {};
}

void WhatIf::ask(const Entry& entry, const schema::Decision& decision, const Difference& tell) {
  ++counts_.asked;
  const std::span<const uint8_t> command(decision.command()->data(), decision.command()->size());
  const Time time = from_micros(decision.recorded().value_or(decision.time()));
  const auto services = services_(time);
  other_.build(entry.candidate.get(), command, time, {}, services.get());
  if (same(decision, other_.get())) return;
  own_.build(&entry.recorded, command, time, {}, services.get());
  if (!same(decision, own_.get())) {
    ++counts_.not_reproduced;
    return;
  }
  ++counts_.different;
  tell(decision, other_.get());
}

void ServicesHistory::take(Number number, const schema::Decision& decision) {
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  if (decision.outcome() != schema::Outcome::accepted ||
      command.org()->string_view() != kServicesOrganization) {
    return;
  }
  organization_.id = OrgId(kServicesOrganization);
  evolve(organization_, decision, number, rulebooks_);
  by_time_[from_micros(decision.time())] = organization_.services;
}

std::shared_ptr<const Services> ServicesHistory::at(Time time) const {
  const auto after = by_time_.upper_bound(time);
  return after == by_time_.begin() ? nullptr : std::prev(after)->second;
}

}  // namespace tenure
