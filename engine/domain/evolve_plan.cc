#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

// Ends the pending change, if there is one.
void close_pending(Organization& organization, Space& space) {
  if (!space.subscription.pending) return;
  organization.checkouts.erase(space.subscription.pending->checkout);
  space.subscription.pending.reset();
}

void hold(Space& space, const schema::Plan& terms, Time from, Number number) {
  space.subscription.terms = PlanTerms::copy_of(terms);
  space.stretches.push_back({space.subscription.terms, from, number});
}

}  // namespace

SpaceChange::SpaceChange(Organization& organization, const SpaceId& id, Space& space)
    : organization_(organization), id_(id), space_(space) {
  for (const DueItem& item : due_items(id_, space_)) organization_.due.erase(item);
}

SpaceChange::~SpaceChange() {
  for (DueItem& item : due_items(id_, space_)) organization_.due.insert(std::move(item));
}

void evolve(Organization& organization, const schema::PlanChangeRequested& event, const Happened&) {
  const SpaceChange space(organization, event.space());
  const CheckoutId checkout(text(event.checkout()));
  space->subscription.status = SubscriptionStatus::kPendingPayment;
  space->subscription.pending = {PlanTerms::copy_of(*event.terms()), checkout,
                                 from_micros(event.expires())};
  organization.checkouts.insert_or_assign(checkout, SpaceId(text(event.space())));
}

void evolve(Organization& organization, const schema::SubscriptionStarted& event,
            const Happened& happened) {
  const SpaceChange space(organization, event.space());
  close_pending(organization, *space);
  Subscription& held = space->subscription;
  held.status = SubscriptionStatus::kActive;
  held.period_from = from_micros(event.period_from());
  held.period_to = from_micros(event.period_to());
  held.anchor = from_micros(event.anchor().value_or(event.period_from()));
  held.consolidated = event.consolidated().value_or(false);
  if (!organization.anchor) organization.anchor = held.period_from;
  hold(*space, *event.terms(), held.period_from, happened.number);
}

void evolve(Organization& organization, const schema::PlanChangeFailed& event, const Happened&) {
  const SpaceChange space(organization, event.space());
  close_pending(organization, *space);
  space->subscription.status = SubscriptionStatus::kFree;
}

void evolve(Organization& organization, const schema::PlanChanged& event,
            const Happened& happened) {
  const SpaceChange space(organization, event.space());
  Subscription& held = space->subscription;
  hold(*space, *event.terms(), from_micros(event.at()), happened.number);
  if (event.period_to() == 0) return;
  held.period_from = from_micros(event.at());
  held.period_to = from_micros(event.period_to());
  held.anchor = from_micros(event.anchor());
  held.consolidated = event.consolidated();
}

void evolve(Organization& organization, const schema::CancellationScheduled& event,
            const Happened&) {
  space_of(organization, event.space()).subscription.cancel_to = PlanTerms::copy_of(*event.terms());
}

void evolve(Organization& organization, const schema::CancellationWithdrawn& event,
            const Happened&) {
  space_of(organization, event.space()).subscription.cancel_to.reset();
}

void evolve(Organization& organization, const schema::SubscriptionEnded& event,
            const Happened& happened) {
  const SpaceChange space(organization, event.space());
  close_pending(organization, *space);
  const Time at = event.at() ? from_micros(*event.at()) : happened.time;
  space->subscription = {};
  space->subscription.period_from = at;
  hold(*space, *event.terms(), at, happened.number);
}

}  // namespace tenure
