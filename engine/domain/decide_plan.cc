#include "engine/domain/calendar.h"
#include "engine/domain/decide_commands.h"
#include "engine/domain/plan_copy.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

Verdict changes_plan(const SpaceCaller& caller, std::string_view plan) {
  if (caller.space->subscription.terms.name() != plan) return {};
  return reject(RejectionCode::nothing_to_do, "the space has plan " + in_quotes(plan) + " already",
                rule_of(caller, "a change changes something"));
}

Verdict awaits_no_payment(const SpaceCaller& caller) {
  const auto& pending = caller.space->subscription.pending;
  if (!pending) return {};
  return reject(RejectionCode::payment_pending,
                "checkout " + pending->checkout.str() + " for plan " +
                    std::string(pending->terms.name()) +
                    " is open; pay it, or wait until it expires",
                rule_of(caller, "one plan change at a time"));
}

Verdict is_offered(const SpaceCaller& caller, const schema::Plan& plan) {
  const std::string from(caller.space->subscription.terms.name());
  if (is_paid(plan) && !is_paid(caller.space->subscription.terms.get())) return {};
  return reject(RejectionCode::invalid_value,
                "going from plan " + from + " to " + std::string(text(plan.name())) +
                    " is not offered; choose a paid plan for a space without one",
                rule_of(caller, "plan changes: from a free plan to a paid one"));
}

// An open checkout of this id, and its space. Expired but not yet closed counts as gone.
struct OpenCheckout {
  const SpaceId& space;
  const Pending& pending;
};

Guarded<OpenCheckout> open_checkout(const Caller& caller, std::string_view checkout, Time now) {
  const auto found = caller.organization.checkouts.find(checkout);
  if (found != caller.organization.checkouts.end()) {
    const Space& space = caller.organization.spaces.find(found->second)->second;
    const Pending& pending = *space.subscription.pending;
    if (now < pending.expires) return OpenCheckout{found->second, pending};
  }
  return reject(
      RejectionCode::not_found,
      "there is no open checkout " + in_quotes(checkout) + "; it was settled, or it expired",
      rule_of(caller, "target exists"));
}

Guarded<OpenCheckout> settle(const Incoming& in, const flatbuffers::String* checkout) {
  TRY(valid_id("checkout", checkout));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kPaymentConfirm));
  return TRY(open_checkout(caller, text(checkout), in.context.now));
}

void fail_change(const OpenCheckout& open, std::string_view cause, EventSink& events) {
  auto& builder = events.builder();
  const auto space = builder.CreateString(open.space.str());
  const auto plan = builder.CreateString(open.pending.terms.name());
  const auto checkout = builder.CreateString(open.pending.checkout.str());
  events.add(
      schema::CreatePlanChangeFailed(builder, space, plan, checkout, builder.CreateString(cause)));
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
  TRY(is_not_archived(caller));
  TRY(is_offered(caller, *plan));
  start_or_request(in, caller.space_id, caller.space->subscription.terms.name(), *plan, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::ConfirmPayment& command, EventSink& events) {
  const OpenCheckout open = TRY(settle(in, command.checkout()));

  auto& builder = events.builder();
  const schema::Plan& terms = open.pending.terms.get();
  const Time now = in.context.now;
  const Time end = period_end(now, terms.period_months(), now);
  const auto space = builder.CreateString(open.space.str());
  const auto plan = builder.CreateString(terms.name());
  const auto checkout = builder.CreateString(command.checkout());
  events.add(schema::CreateSubscriptionStarted(
      builder, space, plan, checkout, copy_plan(builder, terms), to_micros(now), to_micros(end)));
  return {};
}

Verdict decide(const Incoming& in, const schema::FailPayment& command, EventSink& events) {
  fail_change(TRY(settle(in, command.checkout())), "payment_failed", events);
  return {};
}

// Due work is never refused: a checkout that is settled already leaves nothing to do.
Verdict decide(const Incoming& in, const schema::ExpireCheckout& command, EventSink& events) {
  TRY(is_engine(in, "checkouts expire"));
  if (in.organization == nullptr) return {};
  const auto found = in.organization->checkouts.find(text(command.checkout()));
  if (found == in.organization->checkouts.end()) return {};
  const Space& space = in.organization->spaces.find(found->second)->second;
  fail_change({found->second, *space.subscription.pending}, "expired", events);
  return {};
}

}  // namespace tenure
