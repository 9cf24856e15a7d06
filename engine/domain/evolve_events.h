// One overload an event, each in the evolve_*.cc of its stem; evolve.cc picks by the union.
// All of them are total: what is not there any more is left alone.
#pragma once

#include "engine/base/check.h"
#include "engine/domain/evolve.h"
#include "engine/domain/text.h"

namespace tenure {

// The decision an event stands in.
struct Happened {
  Time time;
  const Rulebooks& rulebooks;
};

// evolve_organization.cc
void evolve(Organization&, const schema::OrganizationCreated&, const Happened&);
void evolve(Organization&, const schema::OwnershipTransferred&, const Happened&);

// evolve_membership.cc
void evolve(Organization&, const schema::MemberAdded&, const Happened&);
void evolve(Organization&, const schema::RoleChanged&, const Happened&);
void evolve(Organization&, const schema::MemberRemoved&, const Happened&);

// evolve_group.cc
void evolve(Organization&, const schema::GroupCreated&, const Happened&);
void evolve(Organization&, const schema::GroupDeleted&, const Happened&);
void evolve(Organization&, const schema::GroupJoined&, const Happened&);
void evolve(Organization&, const schema::GroupLeft&, const Happened&);

// evolve_space.cc
void evolve(Organization&, const schema::SpaceCreated&, const Happened&);
void evolve(Organization&, const schema::SpaceRenamed&, const Happened&);

// evolve_access.cc
void evolve(Organization&, const schema::AccessGranted&, const Happened&);
void evolve(Organization&, const schema::AccessChanged&, const Happened&);
void evolve(Organization&, const schema::AccessRevoked&, const Happened&);

// evolve_resource.cc
void evolve(Organization&, const schema::ResourceCreated&, const Happened&);
void evolve(Organization&, const schema::ResourceDeleted&, const Happened&);

// evolve_usage.cc
void evolve(Organization&, const schema::UsageRecorded&, const Happened&);
void evolve(Organization&, const schema::UsageThresholdReached&, const Happened&);

// evolve_plan.cc
void evolve(Organization&, const schema::PlanChangeRequested&, const Happened&);
void evolve(Organization&, const schema::SubscriptionStarted&, const Happened&);
void evolve(Organization&, const schema::PlanChangeFailed&, const Happened&);

// The space that an event names: events of a space come after it was created.
inline Space& space_of(Organization& organization, const flatbuffers::String* id) {
  const auto found = organization.spaces.find(text(id));
  CHECK(found != organization.spaces.end());
  return found->second;
}

// Gives a member a role, and keeps count of the owners.
void set_role(Organization& organization, std::string_view user, std::string_view role);

}  // namespace tenure
