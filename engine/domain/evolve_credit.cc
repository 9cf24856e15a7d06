#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

std::optional<Time> time_of(const flatbuffers::Optional<int64_t>& micros) {
  return micros ? std::optional(from_micros(*micros)) : std::nullopt;
}

void close_top_up(Organization& organization, Space& space, std::string_view checkout) {
  organization.checkouts.erase(checkout);
  const auto found = space.top_ups.find(checkout);
  if (found != space.top_ups.end()) space.top_ups.erase(found);
}

void take(Space& space, std::string_view grant, Minor amount) {
  const auto found = space.credits.find(grant);
  if (found != space.credits.end()) found->second.left -= amount;
}

}  // namespace

void evolve(Organization& organization, const schema::CreditsRequested& event,
            const Happened& happened) {
  const SpaceChange space(organization, event.space());
  const CheckoutId checkout(text(event.checkout()));
  space->top_ups[checkout] = {
      .grant = GrantId(text(event.grant())),
      .amount = event.amount_minor(),
      .expires = time_of(event.expires()),
      .priority = event.priority(),
      .checkout_expires = from_micros(event.checkout_expires()),
      .requested = happened.number,
      .tax = {std::string(text(event.country())), event.tax_hundredths_of_percent().value_or(0)}};
  organization.checkouts.insert_or_assign(checkout, SpaceId(text(event.space())));
}

void evolve(Organization& organization, const schema::CreditsRequestFailed& event,
            const Happened&) {
  const SpaceChange space(organization, event.space());
  close_top_up(organization, *space, text(event.checkout()));
}

void evolve(Organization& organization, const schema::CreditsAdded& event,
            const Happened& happened) {
  const SpaceChange space(organization, event.space());
  if (event.checkout() != nullptr) close_top_up(organization, *space, text(event.checkout()));
  space->credits.insert_or_assign(GrantId(text(event.grant())),
                                  {.paid = text(event.kind()) == "paid",
                                   .left = event.amount_minor(),
                                   .expires = time_of(event.expires()),
                                   .priority = event.priority(),
                                   .added = happened.number});
}

void evolve(Organization& organization, const schema::CreditsDrawn& event, const Happened&) {
  const SpaceChange space(organization, event.space());
  for (const schema::CreditDraw* draw : *event.draws()) {
    take(*space, text(draw->grant()), draw->amount_minor());
  }
}

void evolve(Organization& organization, const schema::CreditsExpired& event, const Happened&) {
  const SpaceChange space(organization, event.space());
  take(*space, text(event.grant()), event.amount_minor());
}

}  // namespace tenure
