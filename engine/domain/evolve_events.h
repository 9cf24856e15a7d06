// One overload an event, each in the evolve_*.cc of its stem; evolve.cc picks by the union.
// All of them are total: what is not there any more is left alone.
#pragma once

#include "engine/base/check.h"
#include "engine/domain/evolve.h"
#include "engine/domain/text.h"

namespace tenure {

// The decision an event stands in.
struct Happened {
  Number number;
  Time time;
  std::string_view actor;
  const Rulebooks& rulebooks;
};

// evolve_organization.cc
void evolve(Organization&, const schema::OrganizationCreated&, const Happened&);
void evolve(Organization&, const schema::OwnershipTransferred&, const Happened&);
void evolve(Organization&, const schema::OrganizationRenamed&, const Happened&);
void evolve(Organization&, const schema::OrganizationDeleted&, const Happened&);
void evolve(Organization&, const schema::OrganizationRestored&, const Happened&);
void evolve(Organization&, const schema::SsoConfigured&, const Happened&);
void evolve(Organization&, const schema::SsoRemoved&, const Happened&);
void evolve(Organization&, const schema::ClockAdvanced&, const Happened&);

// evolve_membership.cc
void evolve(Organization&, const schema::MemberAdded&, const Happened&);
void evolve(Organization&, const schema::RoleChanged&, const Happened&);
void evolve(Organization&, const schema::MemberRemoved&, const Happened&);
void evolve(Organization&, const schema::MemberUpdated&, const Happened&);
void evolve(Organization&, const schema::MemberSuspended&, const Happened&);
void evolve(Organization&, const schema::MemberReinstated&, const Happened&);
void evolve(Organization&, const schema::SubjectErased&, const Happened&);

// evolve_invitation.cc
void evolve(Organization&, const schema::MemberInvited&, const Happened&);
void evolve(Organization&, const schema::InvitationAccepted&, const Happened&);
void evolve(Organization&, const schema::InvitationDeclined&, const Happened&);
void evolve(Organization&, const schema::InvitationRevoked&, const Happened&);
void evolve(Organization&, const schema::InvitationExpired&, const Happened&);

// evolve_rulebook.cc
void evolve(Organization&, const schema::RulebookAdopted&, const Happened&);
void evolve(Organization&, const schema::SpaceRoleDefined&, const Happened&);
void evolve(Organization&, const schema::SpaceRoleDeleted&, const Happened&);

// evolve_group.cc
void evolve(Organization&, const schema::GroupCreated&, const Happened&);
void evolve(Organization&, const schema::GroupDeleted&, const Happened&);
void evolve(Organization&, const schema::GroupJoined&, const Happened&);
void evolve(Organization&, const schema::GroupLeft&, const Happened&);

// evolve_space.cc
void evolve(Organization&, const schema::SpaceCreated&, const Happened&);
void evolve(Organization&, const schema::SpaceRenamed&, const Happened&);
void evolve(Organization&, const schema::SpaceArchived&, const Happened&);
void evolve(Organization&, const schema::SpaceDeleted&, const Happened&);
void evolve(Organization&, const schema::SpaceRestored&, const Happened&);

// evolve_access.cc
void evolve(Organization&, const schema::AccessGranted&, const Happened&);
void evolve(Organization&, const schema::AccessChanged&, const Happened&);
void evolve(Organization&, const schema::AccessRevoked&, const Happened&);

// evolve_resource.cc
void evolve(Organization&, const schema::ResourceCreated&, const Happened&);
void evolve(Organization&, const schema::ResourceDeleted&, const Happened&);
void evolve(Organization&, const schema::ResourceUpdated&, const Happened&);
void evolve(Organization&, const schema::ResourceCopied&, const Happened&);

// evolve_usage.cc
void evolve(Organization&, const schema::UsageRecorded&, const Happened&);
void evolve(Organization&, const schema::UsageThresholdReached&, const Happened&);

// evolve_plan.cc
void evolve(Organization&, const schema::PlanChangeRequested&, const Happened&);
void evolve(Organization&, const schema::SubscriptionStarted&, const Happened&);
void evolve(Organization&, const schema::PlanChangeFailed&, const Happened&);
void evolve(Organization&, const schema::PlanChanged&, const Happened&);
void evolve(Organization&, const schema::CancellationScheduled&, const Happened&);
void evolve(Organization&, const schema::CancellationWithdrawn&, const Happened&);
void evolve(Organization&, const schema::SubscriptionEnded&, const Happened&);

// evolve_service.cc
void evolve(Organization&, const schema::ApiKeyCreated&, const Happened&);
void evolve(Organization&, const schema::ApiKeyRevoked&, const Happened&);
void evolve(Organization&, const schema::ServiceActionsGranted&, const Happened&);
void evolve(Organization&, const schema::ServiceActionsRevoked&, const Happened&);

// evolve_billing.cc
void evolve(Organization&, const schema::PaymentMethodSet&, const Happened&);
void evolve(Organization&, const schema::PaymentMethodRemoved&, const Happened&);
void evolve(Organization&, const schema::BillingDetailsSet&, const Happened&);
void evolve(Organization&, const schema::BillingModeChanged&, const Happened&);
void evolve(Organization&, const schema::SpendingCapSet&, const Happened&);
void evolve(Organization&, const schema::BillingPeriodClosed&, const Happened&);

// evolve_credit.cc
void evolve(Organization&, const schema::CreditsRequested&, const Happened&);
void evolve(Organization&, const schema::CreditsRequestFailed&, const Happened&);
void evolve(Organization&, const schema::CreditsAdded&, const Happened&);
void evolve(Organization&, const schema::CreditsDrawn&, const Happened&);
void evolve(Organization&, const schema::CreditsExpired&, const Happened&);

// evolve_invoice.cc
void evolve(Organization&, const schema::InvoiceIssued&, const Happened&);
void evolve(Organization&, const schema::NothingCharged&, const Happened&);
void evolve(Organization&, const schema::PaymentWanted&, const Happened&);
void evolve(Organization&, const schema::InvoicePaid&, const Happened&);
void evolve(Organization&, const schema::InvoicePartlyPaid&, const Happened&);
void evolve(Organization&, const schema::InvoicePaymentFailed&, const Happened&);
void evolve(Organization&, const schema::CreditNoteIssued&, const Happened&);
void evolve(Organization&, const schema::SubscriptionPastDue&, const Happened&);
void evolve(Organization&, const schema::SubscriptionWarned&, const Happened&);
void evolve(Organization&, const schema::SubscriptionSuspended&, const Happened&);
void evolve(Organization&, const schema::DunningEnded&, const Happened&);

// The space that an event names: events of a space come after it was created.
inline Space& space_of(Organization& organization, const flatbuffers::String* id) {
  const auto found = organization.spaces.find(text(id));
  CHECK(found != organization.spaces.end());
  return found->second;
}

// A space while an event changes it: its due work is what it then says.
class SpaceChange {
 public:
  SpaceChange(Organization& organization, const flatbuffers::String* id)
      : SpaceChange(organization, SpaceId(text(id)), space_of(organization, id)) {}
  SpaceChange(Organization& organization, const SpaceId& id, Space& space);
  ~SpaceChange();
  SpaceChange(const SpaceChange&) = delete;
  SpaceChange& operator=(const SpaceChange&) = delete;
  Space* operator->() const { return &space_; }
  Space& operator*() const { return space_; }

 private:
  Organization& organization_;
  const SpaceId id_;
  Space& space_;
};

// The indexes of space roles by their names, sorted.
AccessRoles roles_of(const Rulebook& rulebook, const Texts& names);

// The rulebook `to` with the custom space roles of `from`, as far as it lets organizations define
// some and has none of their names itself; of actions, those that it has.
std::shared_ptr<const Rulebook> keeping_space_roles(const Rulebook& from,
                                                    std::shared_ptr<const Rulebook> to);

// Gives a member a role, and keeps count of the owners.
void set_role(Organization& organization, std::string_view user, std::string_view role);

}  // namespace tenure
