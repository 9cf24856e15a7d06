#include "engine/domain/decide_commands.h"
#include "engine/domain/plan_copy.h"
#include "engine/domain/plan_preview.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

const Subscription& held_by(const SpaceCaller& caller) { return caller.space->subscription; }

// The plan held is a change only as long as it is to end.
Verdict changes_plan(const SpaceCaller& caller, std::string_view plan) {
  if (held_by(caller).terms.name() != plan || held_by(caller).cancel_to) return {};
  return reject(RejectionCode::nothing_to_do, "the space has plan " + in_quotes(plan) + " already",
                rule_of(caller, "a change changes something"));
}

Verdict awaits_no_payment(const SpaceCaller& caller) {
  const auto& pending = held_by(caller).pending;
  if (!pending) return {};
  return reject(RejectionCode::payment_pending,
                "checkout " + pending->checkout.str() + " for plan " +
                    std::string(pending->terms.name()) +
                    " is open; pay it, or wait until it expires",
                rule_of(caller, "one plan change at a time"));
}

Verdict is_offered(const SpaceCaller& caller, const schema::Plan& plan) {
  const Subscription& held = held_by(caller);
  if (is_paid(plan) || is_paid(held.terms.get())) return {};
  return reject(RejectionCode::invalid_value,
                "going from plan " + std::string(held.terms.name()) + " to " +
                    std::string(text(plan.name())) +
                    " is not offered; choose a paid plan for a space without one",
                rule_of(caller, "plan changes: from a free plan to a paid one"));
}

Verdict is_not_cancelled(const SpaceCaller& caller) {
  const Subscription& held = held_by(caller);
  if (!held.cancel_to) return {};
  return reject(RejectionCode::already_scheduled,
                "the space goes to plan " + std::string(held.cancel_to->name()) +
                    " at the end of its period already; ResumeSubscription keeps the paid one",
                rule_of(caller, "a cancellation is scheduled once"));
}

// Whoever did not pay to the end gets no paid plan before they do.
Verdict has_paid(const SpaceCaller& caller) {
  if (dunning_of(caller.organization, caller.space_id) < DunningStep::kSuspended) return {};
  return reject(RejectionCode::suspended,
                "an invoice of the space is not paid; pay it before you choose a paid plan",
                rule_of(caller, "dunning: no paid plan to whoever does not pay"));
}

Verdict is_confirmed(const Incoming& in, const SpaceCaller& caller, const schema::Plan& plan,
                     bool confirm) {
  if (confirm) return {};
  const PlanPreview preview = preview_change(caller.organization, caller.space_id, *caller.space,
                                             plan, in.context.now, in.context.catalog);
  std::string parts;
  for (const ChargeLine& line : preview.lines) {
    parts += (parts.empty() ? "" : " + ") + line.description + " " +
             amount_text(line.amount, caller.organization.currency);
  }
  return reject(RejectionCode::confirmation_required,
                "the invoice of this period will be " +
                    amount_text(preview.total(), caller.organization.currency) +
                    (parts.empty() ? "" : " (" + parts + ")") +
                    "; send confirm: true to change the plan",
                rule_of(caller, "a paid plan changes to another with confirmation"));
}

void withdraw(const SpaceCaller& caller, EventSink& events) {
  auto& builder = events.builder();
  const auto space = builder.CreateString(caller.space_id);
  events.add(schema::CreateCancellationWithdrawn(
      builder, space, builder.CreateString(held_by(caller).terms.name())));
}

void schedule_end(const SpaceCaller& caller, const schema::Plan& plan, EventSink& events) {
  auto& builder = events.builder();
  const auto space = builder.CreateString(caller.space_id);
  const auto plan_text = builder.CreateString(plan.name());
  const auto terms = copy_plan(builder, plan);
  events.add(schema::CreateCancellationScheduled(builder, space, plan_text,
                                                 to_micros(held_by(caller).period_to), terms));
}

// A change between month and year ends the period at once, and another begins.
void change(const Incoming& in, const SpaceCaller& caller, const schema::Plan& plan,
            EventSink& events) {
  const Subscription& held = held_by(caller);
  const Time now = in.context.now;
  std::optional<NextPeriod> next;
  if (held.terms.get().period_months() != plan.period_months()) {
    close_period(caller.space_id, *caller.space, now, issue_time(in, held, now), std::nullopt,
                 events);
    next = next_period(caller.organization, nullptr, plan.period_months(), now);
  }
  auto& builder = events.builder();
  const auto space = builder.CreateString(caller.space_id);
  const auto plan_text = builder.CreateString(plan.name());
  const auto from = builder.CreateString(held.terms.name());
  const auto terms = copy_plan(builder, plan);
  events.add(schema::CreatePlanChanged(
      builder, space, plan_text, from, to_micros(now), terms, next ? to_micros(next->to) : 0,
      next ? to_micros(next->anchor) : 0, next && next->consolidated));
}

Verdict to_paid(const Incoming& in, const SpaceCaller& caller, const schema::Plan& plan,
                bool confirm, EventSink& events) {
  const Subscription& held = held_by(caller);
  TRY(takes_more(caller));
  TRY(has_paid(caller));
  if (!is_paid(held.terms.get())) {
    TRY(has_payment_method(caller, caller.space->account.token));
    start_or_request(in, caller.space_id, held.terms.name(), plan, events);
    return {};
  }
  const bool keeps = held.terms.name() == text(plan.name());
  if (!keeps) {
    TRY(is_confirmed(in, caller, plan, confirm));
    TRY(has_payment_method(caller, caller.space->account.token));
  }
  if (held.cancel_to) withdraw(caller, events);
  if (!keeps) change(in, caller, plan, events);
  return {};
}

}  // namespace

Verdict decide(const Incoming& in, const schema::UpgradePlan& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  const schema::Plan* plan = TRY(known_plan(in.context.catalog, text(command.plan())));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kPlanChange));
  TRY(exists(caller));
  TRY(changes_plan(caller, text(command.plan())));
  TRY(awaits_no_payment(caller));
  TRY(is_sold_to(caller, in.context.catalog, *plan));
  if (is_paid(*plan)) return to_paid(in, caller, *plan, command.confirm(), events);
  TRY(is_offered(caller, *plan));
  TRY(is_not_cancelled(caller));
  schedule_end(caller, *plan, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::ResumeSubscription& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kPlanChange));
  TRY(exists(caller));
  TRY(is_not_archived(caller));
  if (!held_by(caller).cancel_to) {
    return reject(RejectionCode::nothing_to_do, "no cancellation is scheduled",
                  rule_of(caller, "a change changes something"));
  }
  withdraw(caller, events);
  return {};
}

}  // namespace tenure
