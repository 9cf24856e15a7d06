#include "engine/domain/evolve_events.h"

namespace tenure {

void evolve(Organization& organization, const schema::SpaceCreated& event,
            const Happened& happened) {
  Space& space = organization.spaces[SpaceId(text(event.space()))];
  space.name = text(event.name());
  space.subscription.terms = PlanTerms::copy_of(*event.terms());
  space.subscription.period_from = happened.time;
  space.stretches.push_back({space.subscription.terms, happened.time, happened.number});
}

void evolve(Organization& organization, const schema::SpaceRenamed& event, const Happened&) {
  space_of(organization, event.space()).name = text(event.name());
}

void evolve(Organization& organization, const schema::SpaceArchived& event, const Happened&) {
  space_of(organization, event.space()).status = SpaceStatus::kArchived;
}

void evolve(Organization& organization, const schema::SpaceDeleted& event,
            const Happened& happened) {
  Space& space = space_of(organization, event.space());
  space.status = SpaceStatus::kDeleted;
  space.deleted = happened.time;
}

void evolve(Organization& organization, const schema::SpaceRestored& event, const Happened&) {
  Space& space = space_of(organization, event.space());
  space.status = SpaceStatus::kActive;
  space.deleted = {};
}

}  // namespace tenure
