#include "engine/domain/evolve.h"

#include <algorithm>

#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

using schema::Event;

void apply(Organization& organization, const schema::EventBox& box, const Happened& happened) {
  switch (box.event_type()) {
    case Event::OrganizationCreated:
      return evolve(organization, *box.event_as_OrganizationCreated(), happened);
    case Event::MemberAdded:
      return evolve(organization, *box.event_as_MemberAdded(), happened);
    case Event::RoleChanged:
      return evolve(organization, *box.event_as_RoleChanged(), happened);
    case Event::MemberRemoved:
      return evolve(organization, *box.event_as_MemberRemoved(), happened);
    case Event::OwnershipTransferred:
      return evolve(organization, *box.event_as_OwnershipTransferred(), happened);
    case Event::GroupCreated:
      return evolve(organization, *box.event_as_GroupCreated(), happened);
    case Event::GroupDeleted:
      return evolve(organization, *box.event_as_GroupDeleted(), happened);
    case Event::GroupJoined:
      return evolve(organization, *box.event_as_GroupJoined(), happened);
    case Event::GroupLeft:
      return evolve(organization, *box.event_as_GroupLeft(), happened);
    case Event::SpaceCreated:
      return evolve(organization, *box.event_as_SpaceCreated(), happened);
    case Event::SpaceRenamed:
      return evolve(organization, *box.event_as_SpaceRenamed(), happened);
    case Event::AccessGranted:
      return evolve(organization, *box.event_as_AccessGranted(), happened);
    case Event::AccessChanged:
      return evolve(organization, *box.event_as_AccessChanged(), happened);
    case Event::AccessRevoked:
      return evolve(organization, *box.event_as_AccessRevoked(), happened);
    case Event::ResourceCreated:
      return evolve(organization, *box.event_as_ResourceCreated(), happened);
    case Event::ResourceDeleted:
      return evolve(organization, *box.event_as_ResourceDeleted(), happened);
    case Event::UsageRecorded:
      return evolve(organization, *box.event_as_UsageRecorded(), happened);
    case Event::UsageThresholdReached:
      return evolve(organization, *box.event_as_UsageThresholdReached(), happened);
    case Event::PlanChangeRequested:
      return evolve(organization, *box.event_as_PlanChangeRequested(), happened);
    case Event::SubscriptionStarted:
      return evolve(organization, *box.event_as_SubscriptionStarted(), happened);
    case Event::PlanChangeFailed:
      return evolve(organization, *box.event_as_PlanChangeFailed(), happened);
    case Event::OrganizationRenamed:
      return evolve(organization, *box.event_as_OrganizationRenamed(), happened);
    case Event::OrganizationDeleted:
      return evolve(organization, *box.event_as_OrganizationDeleted(), happened);
    case Event::OrganizationRestored:
      return evolve(organization, *box.event_as_OrganizationRestored(), happened);
    case Event::SsoConfigured:
      return evolve(organization, *box.event_as_SsoConfigured(), happened);
    case Event::SsoRemoved:
      return evolve(organization, *box.event_as_SsoRemoved(), happened);
    case Event::RulebookAdopted:
      return evolve(organization, *box.event_as_RulebookAdopted(), happened);
    case Event::MemberUpdated:
      return evolve(organization, *box.event_as_MemberUpdated(), happened);
    case Event::MemberSuspended:
      return evolve(organization, *box.event_as_MemberSuspended(), happened);
    case Event::MemberReinstated:
      return evolve(organization, *box.event_as_MemberReinstated(), happened);
    case Event::MemberInvited:
      return evolve(organization, *box.event_as_MemberInvited(), happened);
    case Event::InvitationAccepted:
      return evolve(organization, *box.event_as_InvitationAccepted(), happened);
    case Event::InvitationDeclined:
      return evolve(organization, *box.event_as_InvitationDeclined(), happened);
    case Event::InvitationRevoked:
      return evolve(organization, *box.event_as_InvitationRevoked(), happened);
    case Event::InvitationExpired:
      return evolve(organization, *box.event_as_InvitationExpired(), happened);
    case Event::SpaceArchived:
      return evolve(organization, *box.event_as_SpaceArchived(), happened);
    case Event::SpaceDeleted:
      return evolve(organization, *box.event_as_SpaceDeleted(), happened);
    case Event::SpaceRestored:
      return evolve(organization, *box.event_as_SpaceRestored(), happened);
    case Event::SpaceRoleDefined:
      return evolve(organization, *box.event_as_SpaceRoleDefined(), happened);
    case Event::SpaceRoleDeleted:
      return evolve(organization, *box.event_as_SpaceRoleDeleted(), happened);
    case Event::ResourceUpdated:
      return evolve(organization, *box.event_as_ResourceUpdated(), happened);
    case Event::ResourceCopied:
      return evolve(organization, *box.event_as_ResourceCopied(), happened);
    case Event::SubscriptionEnded:
      return evolve(organization, *box.event_as_SubscriptionEnded(), happened);
    case Event::ApiKeyCreated:
      return evolve(organization, *box.event_as_ApiKeyCreated(), happened);
    case Event::ApiKeyRevoked:
      return evolve(organization, *box.event_as_ApiKeyRevoked(), happened);
    case Event::ServiceActionsGranted:
      return evolve(organization, *box.event_as_ServiceActionsGranted(), happened);
    case Event::ServiceActionsRevoked:
      return evolve(organization, *box.event_as_ServiceActionsRevoked(), happened);
    case Event::PaymentMethodSet:
      return evolve(organization, *box.event_as_PaymentMethodSet(), happened);
    case Event::PaymentMethodRemoved:
      return evolve(organization, *box.event_as_PaymentMethodRemoved(), happened);
    case Event::BillingDetailsSet:
      return evolve(organization, *box.event_as_BillingDetailsSet(), happened);
    case Event::BillingModeChanged:
      return evolve(organization, *box.event_as_BillingModeChanged(), happened);
    case Event::PlanChanged:
      return evolve(organization, *box.event_as_PlanChanged(), happened);
    case Event::CancellationScheduled:
      return evolve(organization, *box.event_as_CancellationScheduled(), happened);
    case Event::CancellationWithdrawn:
      return evolve(organization, *box.event_as_CancellationWithdrawn(), happened);
    case Event::BillingPeriodClosed:
      return evolve(organization, *box.event_as_BillingPeriodClosed(), happened);
    case Event::InvoiceIssued:
      return evolve(organization, *box.event_as_InvoiceIssued(), happened);
    case Event::NothingCharged:
      return evolve(organization, *box.event_as_NothingCharged(), happened);
    case Event::PaymentWanted:
      return evolve(organization, *box.event_as_PaymentWanted(), happened);
    case Event::InvoicePaid:
      return evolve(organization, *box.event_as_InvoicePaid(), happened);
    case Event::InvoicePartlyPaid:
      return evolve(organization, *box.event_as_InvoicePartlyPaid(), happened);
    case Event::InvoicePaymentFailed:
      return evolve(organization, *box.event_as_InvoicePaymentFailed(), happened);
    case Event::CreditNoteIssued:
      return evolve(organization, *box.event_as_CreditNoteIssued(), happened);
    case Event::SubscriptionPastDue:
      return evolve(organization, *box.event_as_SubscriptionPastDue(), happened);
    case Event::SubscriptionWarned:
      return evolve(organization, *box.event_as_SubscriptionWarned(), happened);
    case Event::SubscriptionSuspended:
      return evolve(organization, *box.event_as_SubscriptionSuspended(), happened);
    case Event::DunningEnded:
      return evolve(organization, *box.event_as_DunningEnded(), happened);
    case Event::SpendingCapSet:
      return evolve(organization, *box.event_as_SpendingCapSet(), happened);
    case Event::CreditsRequested:
      return evolve(organization, *box.event_as_CreditsRequested(), happened);
    case Event::CreditsRequestFailed:
      return evolve(organization, *box.event_as_CreditsRequestFailed(), happened);
    case Event::CreditsAdded:
      return evolve(organization, *box.event_as_CreditsAdded(), happened);
    case Event::CreditsDrawn:
      return evolve(organization, *box.event_as_CreditsDrawn(), happened);
    case Event::CreditsExpired:
      return evolve(organization, *box.event_as_CreditsExpired(), happened);
    case Event::ClockAdvanced:
      return evolve(organization, *box.event_as_ClockAdvanced(), happened);
    case Event::SubjectErased:
      return evolve(organization, *box.event_as_SubjectErased(), happened);
    case Event::NONE:
      break;
  }
  CHECK(!"an event that this build does not know; the log's reader stops before it");
}

}  // namespace

void evolve(Organization& organization, const schema::Decision& decision, Number number,
            const Rulebooks& rulebooks) {
  CHECK(decision.outcome() == schema::Outcome::accepted);
  const Happened happened{number, from_micros(decision.time()),
                          text(decision.command_nested_root()->actor()), rulebooks};
  if (organization.clock) organization.clock = std::max(*organization.clock, happened.time);
  if (decision.events() != nullptr) {
    for (const schema::EventBox* box : *decision.events()) apply(organization, *box, happened);
  }
  ++organization.version;
}

}  // namespace tenure
