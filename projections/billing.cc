// The billing model: what a space's subscription is and what it is about to become, its credits,
// and the organization's invoices.
#include "engine/domain/billing_rows.h"
#include "projections/billing_reductions.h"

namespace tenure {
namespace billing {

Happened happened(const Reduction& in) {
  static const Rulebooks none;
  return {Number{in.number}, from_micros(in.time), in.actor, none};
}

std::optional<HeldSpace> get_space(Reduction& in, std::string_view space) {
  const auto* row = in.rows.get<schema::SubscriptionRow>(kFamily, in.keys.subscription(space));
  if (row == nullptr) return std::nullopt;
  std::optional<HeldSpace> held(std::in_place);
  held->credits = row->credits_minor();
  if (!read_subscription(*row, held->organization.spaces[SpaceId(space)])) return std::nullopt;
  return held;
}

void put_space(Reduction& in, std::string_view space, const HeldSpace& held) {
  const Space& kept = held.organization.spaces.find(space)->second;
  in.put(kFamily, in.keys.subscription(space), subscription_row(in.builder, kept, held.credits));
}

namespace {

void space_created(Reduction& in, const schema::SpaceCreated& event) {
  HeldSpace held;
  evolve(held.organization, event, happened(in));
  put_space(in, text(event.space()), held);
}

}  // namespace
}  // namespace billing

constexpr ReductionTable<Reduction> kBillingReductions = reduction_table<Reduction>({
    ignores<Reduction, schema::OrganizationCreated>(),
    ignores<Reduction, schema::MemberAdded>(),
    ignores<Reduction, schema::RoleChanged>(),
    ignores<Reduction, schema::MemberRemoved>(),
    ignores<Reduction, schema::OwnershipTransferred>(),
    ignores<Reduction, schema::GroupCreated>(),
    ignores<Reduction, schema::GroupDeleted>(),
    ignores<Reduction, schema::GroupJoined>(),
    ignores<Reduction, schema::GroupLeft>(),
    reduces<&billing::space_created>(),
    ignores<Reduction, schema::SpaceRenamed>(),
    ignores<Reduction, schema::AccessGranted>(),
    ignores<Reduction, schema::AccessChanged>(),
    ignores<Reduction, schema::AccessRevoked>(),
    ignores<Reduction, schema::ResourceCreated>(),
    ignores<Reduction, schema::ResourceDeleted>(),
    ignores<Reduction, schema::UsageRecorded>(),
    ignores<Reduction, schema::UsageThresholdReached>(),
    reduces<&billing::of_space<schema::PlanChangeRequested>>(),
    reduces<&billing::of_space<schema::SubscriptionStarted>>(),
    reduces<&billing::of_space<schema::PlanChangeFailed>>(),
    ignores<Reduction, schema::OrganizationRenamed>(),
    ignores<Reduction, schema::OrganizationDeleted>(),
    ignores<Reduction, schema::OrganizationRestored>(),
    ignores<Reduction, schema::SsoConfigured>(),
    ignores<Reduction, schema::SsoRemoved>(),
    ignores<Reduction, schema::RulebookAdopted>(),
    ignores<Reduction, schema::MemberUpdated>(),
    ignores<Reduction, schema::MemberSuspended>(),
    ignores<Reduction, schema::MemberReinstated>(),
    ignores<Reduction, schema::MemberInvited>(),
    ignores<Reduction, schema::InvitationAccepted>(),
    ignores<Reduction, schema::InvitationDeclined>(),
    ignores<Reduction, schema::InvitationRevoked>(),
    ignores<Reduction, schema::InvitationExpired>(),
    ignores<Reduction, schema::SpaceArchived>(),
    ignores<Reduction, schema::SpaceDeleted>(),
    ignores<Reduction, schema::SpaceRestored>(),
    ignores<Reduction, schema::SpaceRoleDefined>(),
    ignores<Reduction, schema::SpaceRoleDeleted>(),
    ignores<Reduction, schema::ResourceUpdated>(),
    ignores<Reduction, schema::ResourceCopied>(),
    reduces<&billing::of_space<schema::SubscriptionEnded>>(),
    reduces<&billing::of_space_if_named<schema::PaymentMethodSet>>(),
    reduces<&billing::of_space_if_named<schema::PaymentMethodRemoved>>(),
    reduces<&billing::of_space_if_named<schema::BillingDetailsSet>>(),
    ignores<Reduction, schema::BillingModeChanged>(),
    reduces<&billing::of_space<schema::PlanChanged>>(),
    reduces<&billing::of_space<schema::CancellationScheduled>>(),
    reduces<&billing::of_space<schema::CancellationWithdrawn>>(),
    reduces<&billing::of_space<schema::BillingPeriodClosed>>(),
    reduces<&billing::invoice_issued>(),
    reduces<&billing::of_space_if_named<schema::NothingCharged>>(),
    ignores<Reduction, schema::PaymentWanted>(),
    reduces<&billing::invoice_paid>(),
    reduces<&billing::invoice_partly_paid>(),
    ignores<Reduction, schema::InvoicePaymentFailed>(),
    reduces<&billing::credit_note_issued>(),
    reduces<&billing::subscription_past_due>(),
    reduces<&billing::subscription_warned>(),
    reduces<&billing::subscription_suspended>(),
    reduces<&billing::dunning_ended>(),
    reduces<&billing::of_space<schema::SpendingCapSet>>(),
    reduces<&billing::of_space<schema::CreditsRequested>>(),
    reduces<&billing::of_space<schema::CreditsRequestFailed>>(),
    reduces<&billing::credits_added>(),
    reduces<&billing::credits_drawn>(),
    reduces<&billing::credits_expired>(),
    ignores<Reduction, schema::ClockAdvanced>(),
    ignores<Reduction, schema::ApiKeyCreated>(),
    ignores<Reduction, schema::ApiKeyRevoked>(),
    ignores<Reduction, schema::ServiceActionsGranted>(),
    ignores<Reduction, schema::ServiceActionsRevoked>(),
});

}  // namespace tenure
