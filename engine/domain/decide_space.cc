#include "engine/domain/decide_commands.h"
#include "engine/domain/plan_copy.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

Verdict is_new(const Caller& caller, std::string_view space) {
  if (!caller.organization.spaces.contains(space)) return {};
  return reject(RejectionCode::already_exists,
                "space " + in_quotes(space) + " exists; choose another id",
                rule_of(caller, "ids are never reused"));
}

Verdict changes_name(const SpaceCaller& caller, std::string_view name) {
  if (caller.space->name != name) return {};
  return reject(RejectionCode::nothing_to_do, "that is its name already",
                rule_of(caller, "a change changes something"));
}

// The plan a space has before anything is paid: the rulebook's default.
Guarded<const schema::Plan*> first_plan(const Caller& caller, const Catalog& catalog) {
  const schema::Plan* plan = TRY(known_plan(catalog, caller.rulebook.default_plan));
  if (!is_paid(*plan)) return plan;
  return reject(RejectionCode::invalid_rulebook,
                "the default plan must cost nothing; adopt a rulebook with another default_plan",
                rule_of(caller, "default plan " + caller.rulebook.default_plan));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CreateSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_name("name", command.name()));
  const schema::Plan* wanted = nullptr;
  if (command.plan() != nullptr) wanted = TRY(known_plan(in.context.catalog, text(command.plan())));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kSpaceCreate));
  if (wanted != nullptr && is_paid(*wanted)) TRY(holds(caller, Action::kPlanChange));
  const schema::Plan* first = TRY(first_plan(caller, in.context.catalog));
  if (wanted == nullptr) wanted = first;
  TRY(is_new(caller, text(command.space())));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto name = builder.CreateString(command.name());
  const auto plan = builder.CreateString(wanted->name());
  const auto terms = copy_plan(builder, is_paid(*wanted) ? *first : *wanted);
  events.add(schema::CreateSpaceCreated(builder, space, name, plan, terms));
  if (is_paid(*wanted)) {
    start_or_request(in, text(command.space()), text(first->name()), *wanted, events);
  }
  return {};
}

Verdict decide(const Incoming& in, const schema::RenameSpace& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_name("name", command.name()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kSpaceRename));
  TRY(exists(caller));
  TRY(changes_name(caller, text(command.name())));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  events.add(schema::CreateSpaceRenamed(builder, space, builder.CreateString(command.name())));
  return {};
}

}  // namespace tenure
