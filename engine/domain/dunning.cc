#include "engine/domain/dunning.h"

#include <set>

#include "engine/domain/plans.h"

namespace tenure {
namespace {

struct StepTexts {
  flatbuffers::Offset<flatbuffers::String> invoice, space;
};

StepTexts step_texts(EventSink& events, std::string_view invoice, std::string_view space) {
  auto& builder = events.builder();
  const auto id = builder.CreateString(invoice);
  return {id,
          space.empty() ? flatbuffers::Offset<flatbuffers::String>() : builder.CreateString(space)};
}

void past_due(const Incoming& in, std::string_view invoice, std::string_view space, Time from,
              EventSink& events) {
  const Time next = from + std::chrono::days(in.context.catalog.dunning().warned_days());
  const StepTexts texts = step_texts(events, invoice, space);
  events.add(schema::CreateSubscriptionPastDue(events.builder(), texts.invoice, texts.space,
                                               to_micros(next)));
}

// The plan that nobody pays for, which the rulebook says; one that costs something is no such plan.
void end_plans(const Incoming& in, std::string_view space, Time at, EventSink& events) {
  const Caller engine = caller_of(*in.organization, in.actor, in.context.services);
  const auto after = default_plan(engine, in.context.catalog);
  if (!after) return;
  std::set<std::string_view> ids;
  for (const auto& [id, held] : in.organization->spaces) {
    if (space.empty() || id == space) ids.insert(id.str());
  }
  for (const std::string_view id : ids) {
    end_subscription(in, id, in.organization->spaces.find(id)->second, at, **after, "unpaid",
                     events);
  }
}

}  // namespace

void begin_dunning(const Incoming& in, std::string_view invoice, std::string_view space,
                   EventSink& events) {
  past_due(in, invoice, space, in.context.now, events);
}

void advance_dunning(const Incoming& in, std::string_view id, const Invoice& invoice,
                     EventSink& events) {
  const schema::Dunning& days = in.context.catalog.dunning();
  const std::string_view space = invoice.space.str();
  const auto next_after = [&](uint32_t from_days, uint32_t to_days) {
    return to_micros(invoice.next + std::chrono::days(to_days - from_days));
  };
  switch (invoice.step) {
    case DunningStep::kNone:
      return past_due(in, id, space, invoice.next, events);
    case DunningStep::kPastDue: {
      const StepTexts texts = step_texts(events, id, space);
      return events.add(
          schema::CreateSubscriptionWarned(events.builder(), texts.invoice, texts.space,
                                           next_after(days.warned_days(), days.suspended_days())));
    }
    case DunningStep::kWarned: {
      const StepTexts texts = step_texts(events, id, space);
      return events.add(schema::CreateSubscriptionSuspended(
          events.builder(), texts.invoice, texts.space,
          next_after(days.suspended_days(), days.ended_days())));
    }
    case DunningStep::kSuspended: {
      const StepTexts texts = step_texts(events, id, space);
      events.add(schema::CreateDunningEnded(events.builder(), texts.invoice, texts.space));
      return end_plans(in, space, invoice.next, events);
    }
    case DunningStep::kEnded:
      return;
  }
}

}  // namespace tenure
