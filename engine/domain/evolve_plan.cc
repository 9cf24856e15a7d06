#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

// Ends the pending change, if there is one, with its due work.
void close_pending(Organization& organization, std::string_view space_id, Space& space) {
  const std::optional<Pending>& pending = space.subscription.pending;
  if (!pending) return;
  organization.checkouts.erase(pending->checkout);
  organization.due.erase({.at = pending->expires,
                          .kind = DueKind::kExpireCheckout,
                          .id = pending->checkout.str(),
                          .space = std::string(space_id)});
  space.subscription.pending.reset();
}

}  // namespace

void evolve(Organization& organization, const schema::PlanChangeRequested& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  const Time expires = from_micros(event.expires());
  const CheckoutId checkout(text(event.checkout()));
  space.subscription.status = SubscriptionStatus::kPendingPayment;
  space.subscription.pending = {PlanTerms::copy_of(*event.terms()), checkout, expires};
  organization.checkouts.insert_or_assign(checkout, SpaceId(text(event.space())));
  organization.due.insert({.at = expires,
                           .kind = DueKind::kExpireCheckout,
                           .id = checkout.str(),
                           .space = event.space()->str()});
}

void evolve(Organization& organization, const schema::SubscriptionStarted& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  close_pending(organization, text(event.space()), space);
  space.subscription = {.terms = PlanTerms::copy_of(*event.terms()),
                        .status = SubscriptionStatus::kActive,
                        .period_from = from_micros(event.period_from()),
                        .period_to = from_micros(event.period_to()),
                        .pending = std::nullopt};
}

void evolve(Organization& organization, const schema::PlanChangeFailed& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  close_pending(organization, text(event.space()), space);
  space.subscription.status = SubscriptionStatus::kFree;
}

void evolve(Organization& organization, const schema::SubscriptionEnded& event,
            const Happened& happened) {
  Space& space = space_of(organization, event.space());
  close_pending(organization, text(event.space()), space);
  space.subscription = {.terms = PlanTerms::copy_of(*event.terms()),
                        .status = SubscriptionStatus::kFree,
                        .period_from = happened.time,
                        .period_to = {},
                        .pending = std::nullopt};
}

}  // namespace tenure
