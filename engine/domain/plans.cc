#include "engine/domain/plans.h"

#include <algorithm>

#include "engine/domain/calendar.h"
#include "engine/domain/plan_copy.h"

namespace tenure {

bool is_consolidated(const Organization& organization) {
  return organization.billing_mode == "consolidated";
}

// The version comes first: no two decisions of an organization share one, even if two actors choose
// the same command id.
std::string checkout_of(const Incoming& in) {
  constexpr size_t kMaxIdSize = 128;
  std::string checkout = std::to_string(in.organization->version + 1) + "-";
  checkout += text(in.envelope.id());
  checkout.resize(std::min(checkout.size(), kMaxIdSize));
  return checkout;
}

void start_or_request(const Incoming& in, std::string_view space, std::string_view from,
                      const schema::Plan& plan, EventSink& events) {
  if (is_consolidated(*in.organization)) return start_subscription(in, space, plan, {}, events);
  auto& builder = events.builder();
  const auto space_text = builder.CreateString(space);
  const auto plan_text = builder.CreateString(plan.name());
  const auto terms = copy_plan(builder, plan);
  const auto from_text = builder.CreateString(from);
  const auto checkout = builder.CreateString(checkout_of(in));
  events.add(schema::CreatePlanChangeRequested(builder, space_text, plan_text, from_text, checkout,
                                               to_micros(in.context.now + kCheckoutLifetime),
                                               terms));
}

void start_subscription(const Incoming& in, std::string_view space, const schema::Plan& plan,
                        std::string_view checkout, EventSink& events) {
  auto& builder = events.builder();
  const Time now = in.context.now;
  const NextPeriod period = next_period(*in.organization, nullptr, plan.period_months(), now);
  const auto space_text = builder.CreateString(space);
  const auto plan_text = builder.CreateString(plan.name());
  const auto terms = copy_plan(builder, plan);
  const auto paid_by = checkout.empty() ? 0 : builder.CreateString(checkout);
  events.add(schema::CreateSubscriptionStarted(builder, space_text, plan_text, paid_by, terms,
                                               to_micros(now), to_micros(period.to),
                                               to_micros(period.anchor), period.consolidated));
}

Verdict has_payment_method(const Caller& caller, std::string_view token) {
  const bool needed = caller.rulebook.needs_payment_method && !is_consolidated(caller.organization);
  if (!needed || !token.empty()) return {};
  return reject(RejectionCode::payment_method_required,
                "the space has no payment method; set one with SetPaymentMethod first",
                rule_of(caller, "a space needs its own payment method"));
}

// All periods that go on the organization's invoice share its anchor, which a first paid plan sets.
// A space on its own invoice keeps its anchor from period to period.
NextPeriod next_period(const Organization& organization, const Space* space, uint32_t months,
                       Time from) {
  const bool consolidated = is_consolidated(organization);
  Time anchor = from;
  if (consolidated) {
    anchor = organization.anchor.value_or(from);
  } else if (space != nullptr) {
    anchor = space->subscription.anchor;
  }
  return {period_end(anchor, months, from), anchor, consolidated};
}

Period current_period(const Subscription& held, Time to, Time issue_at) {
  const uint32_t months = held.terms.get().period_months();
  return {.from = held.period_from,
          .to = to,
          .whole_from = period_begin(held.anchor, months, held.period_from),
          .whole_to = held.period_to,
          .issue_at = issue_at,
          .consolidated = held.consolidated};
}

Time issue_time(const Incoming& in, const Subscription& held, Time to) {
  const bool with_others = held.consolidated && !in.organization->deleted &&
                           in.envelope.command_type() != schema::Command::DeleteOrganization;
  return (with_others ? period_end(held.anchor, 1, to) : to) + in.context.catalog.grace();
}

void close_period(std::string_view id, const Space& space, Time to, Time issue_at,
                  const std::optional<NextPeriod>& next, EventSink& events) {
  auto& builder = events.builder();
  const Period period = current_period(space.subscription, to, issue_at);
  const auto space_text = builder.CreateString(id);
  const auto plan = builder.CreateString(space.subscription.terms.name());
  events.add(schema::CreateBillingPeriodClosed(
      builder, space_text, plan, to_micros(period.from), to_micros(period.to),
      to_micros(period.whole_from), to_micros(period.whole_to), to_micros(period.issue_at),
      period.consolidated, next ? to_micros(next->to) : 0, next ? to_micros(next->anchor) : 0,
      next && next->consolidated));
}

Guarded<const schema::Plan*> default_plan(const Caller& caller, const Catalog& catalog) {
  const schema::Plan* plan = TRY(known_plan(catalog, caller.rulebook.default_plan));
  if (!is_paid(*plan)) return plan;
  return reject(RejectionCode::invalid_rulebook,
                "the default plan must cost nothing; adopt a rulebook with another default_plan",
                rule_of(caller, "default plan " + caller.rulebook.default_plan));
}

void end_subscription(const Incoming& in, std::string_view id, const Space& space, Time at,
                      const schema::Plan& after, std::string_view cause, EventSink& events) {
  const Subscription& held = space.subscription;
  if (held.status != SubscriptionStatus::kActive) return;
  close_period(id, space, at, issue_time(in, held, at), std::nullopt, events);
  auto& builder = events.builder();
  const auto space_text = builder.CreateString(id);
  const auto plan = builder.CreateString(held.terms.name());
  const auto terms = copy_plan(builder, after);
  events.add(schema::CreateSubscriptionEnded(builder, space_text, plan, terms,
                                             builder.CreateString(cause), to_micros(at)));
}

void end_plan(const Incoming& in, std::string_view id, const Space& space,
              const schema::Plan& after, EventSink& events) {
  if (const auto& pending = space.subscription.pending) {
    fail_change(id, *pending, "deleted", events);
  }
  for (const auto& [checkout, top_up] : space.top_ups) {
    fail_top_up(id, checkout, top_up, "deleted", events);
  }
  end_subscription(in, id, space, in.context.now, after, "deleted", events);
}

void fail_change(std::string_view space, const Pending& pending, std::string_view cause,
                 EventSink& events) {
  auto& builder = events.builder();
  const auto space_text = builder.CreateString(space);
  const auto plan = builder.CreateString(pending.terms.name());
  const auto checkout = builder.CreateString(pending.checkout.str());
  events.add(schema::CreatePlanChangeFailed(builder, space_text, plan, checkout,
                                            builder.CreateString(cause)));
}

void fail_top_up(std::string_view space, std::string_view checkout, const TopUp& top_up,
                 std::string_view cause, EventSink& events) {
  auto& builder = events.builder();
  const auto space_text = builder.CreateString(space);
  const auto grant = builder.CreateString(top_up.grant.str());
  const auto checkout_text = builder.CreateString(checkout);
  events.add(schema::CreateCreditsRequestFailed(builder, space_text, grant, checkout_text,
                                                builder.CreateString(cause)));
}

}  // namespace tenure
