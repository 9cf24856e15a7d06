#include "engine/domain/plans.h"

#include <algorithm>

#include "engine/domain/calendar.h"
#include "engine/domain/plan_copy.h"

namespace tenure {
namespace {

// Derived from the command, so deciding stays pure. The version comes first: no two decisions of an
// organization share one, even if two actors choose the same command id.
std::string checkout_of(const Incoming& in) {
  constexpr size_t kMaxIdSize = 128;
  std::string checkout = std::to_string(in.organization->version + 1) + "-";
  checkout += text(in.envelope.id());
  checkout.resize(std::min(checkout.size(), kMaxIdSize));
  return checkout;
}

// All spaces of a consolidated organization share the anchor of its first paid plan.
Time shared_anchor(const Organization& organization, Time now) {
  Time anchor = now;
  for (const auto& [id, space] : organization.spaces) {
    if (space.subscription.status == SubscriptionStatus::kActive) {
      anchor = std::min(anchor, space.subscription.period_from);
    }
  }
  return anchor;
}

}  // namespace

void start_or_request(const Incoming& in, std::string_view space, std::string_view from,
                      const schema::Plan& plan, EventSink& events) {
  auto& builder = events.builder();
  const Time now = in.context.now;
  const auto space_text = builder.CreateString(space);
  const auto plan_text = builder.CreateString(plan.name());
  const auto terms = copy_plan(builder, plan);
  if (in.organization->billing_mode == "consolidated") {
    const Time end = period_end(shared_anchor(*in.organization, now), plan.period_months(), now);
    events.add(schema::CreateSubscriptionStarted(builder, space_text, plan_text, 0, terms,
                                                 to_micros(now), to_micros(end)));
    return;
  }
  const auto from_text = builder.CreateString(from);
  const auto checkout = builder.CreateString(checkout_of(in));
  events.add(schema::CreatePlanChangeRequested(builder, space_text, plan_text, from_text, checkout,
                                               to_micros(now + kCheckoutLifetime), terms));
}

Guarded<const schema::Plan*> default_plan(const Caller& caller, const Catalog& catalog) {
  const schema::Plan* plan = TRY(known_plan(catalog, caller.rulebook.default_plan));
  if (!is_paid(*plan)) return plan;
  return reject(RejectionCode::invalid_rulebook,
                "the default plan must cost nothing; adopt a rulebook with another default_plan",
                rule_of(caller, "default plan " + caller.rulebook.default_plan));
}

void end_plan(std::string_view id, const Space& space, const schema::Plan& after,
              EventSink& events) {
  auto& builder = events.builder();
  const Subscription& held = space.subscription;
  const auto space_text = builder.CreateString(id);
  if (held.pending) {
    const auto plan = builder.CreateString(held.pending->terms.name());
    const auto checkout = builder.CreateString(held.pending->checkout.str());
    events.add(schema::CreatePlanChangeFailed(builder, space_text, plan, checkout,
                                              builder.CreateString("deleted")));
  }
  if (held.status != SubscriptionStatus::kActive) return;
  const auto plan = builder.CreateString(held.terms.name());
  const auto terms = copy_plan(builder, after);
  events.add(schema::CreateSubscriptionEnded(builder, space_text, plan, terms,
                                             builder.CreateString("deleted")));
}

}  // namespace tenure
