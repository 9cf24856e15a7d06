#include "engine/domain/evolve_events.h"

namespace tenure {

void evolve(Organization& organization, const schema::OrganizationCreated& event,
            const Happened& happened) {
  organization.rulebook = happened.rulebooks.find(text(event.rulebook()));
  CHECK(organization.rulebook != nullptr);
  organization.name = text(event.name());
  organization.billing_mode = text(event.billing_mode());
  organization.currency = text(event.currency());
  if (event.sandbox().value_or(false)) organization.clock = happened.time;
}

void evolve(Organization& organization, const schema::OwnershipTransferred& event,
            const Happened&) {
  const Rulebook& rulebook = *organization.rulebook;
  set_role(organization, text(event.to()), rulebook.organization_roles[rulebook.owner_role].name);
  set_role(organization, text(event.from()), text(event.from_role()));
}

void evolve(Organization& organization, const schema::OrganizationRenamed& event, const Happened&) {
  organization.name = text(event.name());
}

void evolve(Organization& organization, const schema::OrganizationDeleted&,
            const Happened& happened) {
  organization.deleted = happened.time;
}

void evolve(Organization& organization, const schema::OrganizationRestored&, const Happened&) {
  organization.deleted.reset();
}

void evolve(Organization& organization, const schema::SsoConfigured& event, const Happened&) {
  Sso sso{.issuer = event.issuer()->str(),
          .client_id = event.client_id()->str(),
          .domains = {},
          .enforced = event.enforced()};
  if (event.domains() != nullptr) {
    for (const auto* domain : *event.domains()) sso.domains.push_back(domain->str());
  }
  organization.sso = std::move(sso);
}

void evolve(Organization& organization, const schema::ClockAdvanced& event, const Happened&) {
  organization.clock = from_micros(event.to());
}

void evolve(Organization& organization, const schema::SsoRemoved&, const Happened&) {
  organization.sso.reset();
}

}  // namespace tenure
