// What a checkout comes to: the plan or the credits that it is about, or nothing.
#include "engine/domain/decide_commands.h"
#include "engine/domain/invoices.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

// An open checkout of this id, its space, and which of both it is for.
struct OpenCheckout {
  std::string_view space_id;
  const Space& space;
  const Pending* pending;  // a plan
  const TopUp* top_up;     // or credits
  Time expires() const { return pending != nullptr ? pending->expires : top_up->checkout_expires; }
};

std::optional<OpenCheckout> find_checkout(const Organization& organization,
                                          std::string_view checkout) {
  const auto found = organization.checkouts.find(checkout);
  if (found == organization.checkouts.end()) return std::nullopt;
  const auto space = organization.spaces.find(found->second);
  const auto& pending = space->second.subscription.pending;
  const auto top_up = space->second.top_ups.find(checkout);
  const bool for_plan = pending && pending->checkout == checkout;
  return OpenCheckout{space->first.str(), space->second, for_plan ? &*pending : nullptr,
                      for_plan ? nullptr : &top_up->second};
}

Guarded<OpenCheckout> settle(const Incoming& in, const flatbuffers::String* checkout) {
  TRY(valid_id("checkout", checkout));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kPaymentConfirm));
  const auto open = find_checkout(caller.organization, text(checkout));
  if (open && in.context.now < open->expires()) return *open;  // or due work comes first
  return reject(
      RejectionCode::not_found,
      "there is no open checkout " + in_quotes(text(checkout)) + "; it was settled, or it expired",
      rule_of(caller, "target exists"));
}

void fail(const OpenCheckout& open, std::string_view checkout, std::string_view cause,
          EventSink& events) {
  if (open.pending != nullptr) return fail_change(open.space_id, *open.pending, cause, events);
  fail_top_up(open.space_id, checkout, *open.top_up, cause, events);
}

}  // namespace

Verdict decide(const Incoming& in, const schema::ConfirmPayment& command, EventSink& events) {
  const OpenCheckout open = TRY(settle(in, command.checkout()));
  const std::string_view checkout = text(command.checkout());
  if (open.pending != nullptr) {
    start_subscription(in, open.space_id, open.pending->terms.get(), checkout, events);
  } else {
    add_paid_credits(in, open.space_id, open.space, *open.top_up, checkout, events);
  }
  return {};
}

Verdict decide(const Incoming& in, const schema::FailPayment& command, EventSink& events) {
  fail(TRY(settle(in, command.checkout())), text(command.checkout()), "payment_failed", events);
  return {};
}

// Due work is never refused: a checkout that is settled already leaves nothing to do.
Verdict decide(const Incoming& in, const schema::ExpireCheckout& command, EventSink& events) {
  TRY(is_engine(in, "checkouts expire"));
  if (in.organization == nullptr) return {};
  const auto open = find_checkout(*in.organization, text(command.checkout()));
  if (open) fail(*open, text(command.checkout()), "expired", events);
  return {};
}

}  // namespace tenure
