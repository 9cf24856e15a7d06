#include "engine/domain/evolve_events.h"

namespace tenure {

void evolve(Organization& organization, const schema::OrganizationCreated& event,
            const Happened& happened) {
  organization.rulebook = happened.rulebooks.find(text(event.rulebook()));
  CHECK(organization.rulebook != nullptr);
  organization.name = text(event.name());
  organization.billing_mode = text(event.billing_mode());
  organization.currency = text(event.currency());
}

void evolve(Organization& organization, const schema::OwnershipTransferred& event,
            const Happened&) {
  const Rulebook& rulebook = *organization.rulebook;
  set_role(organization, text(event.to()), rulebook.organization_roles[rulebook.owner_role].name);
  set_role(organization, text(event.from()), text(event.from_role()));
}

}  // namespace tenure
