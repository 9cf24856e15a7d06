// The billing model: what a space's subscription is and what it is about to become.
#include "engine/domain/plan_copy.h"
#include "projections/projection.h"

namespace tenure {
namespace {

constexpr Family kFamily = Family::kBilling;

// What the row is to say; the tables in it are copied.
struct NewRow {
  std::string_view status;
  const schema::Plan* terms;
  int64_t period_from = 0, period_to = 0;
  const schema::PlanChangeRequested* pending = nullptr;
};

void put(Reduction& in, std::string_view space, const NewRow& subscription) {
  auto& fbb = in.builder;
  auto plan = fbb.CreateString(subscription.terms->name());
  auto status = fbb.CreateString(subscription.status.data(), subscription.status.size());
  auto terms = copy_plan(fbb, *subscription.terms);
  flatbuffers::Offset<flatbuffers::String> pending_plan, pending_checkout;
  flatbuffers::Offset<schema::Plan> pending_terms;
  int64_t expires = 0;
  if (const auto* pending = subscription.pending) {
    pending_plan = fbb.CreateString(pending->plan());
    pending_checkout = fbb.CreateString(pending->checkout());
    pending_terms = copy_plan(fbb, *pending->terms());
    expires = pending->expires();
  }
  in.put(kFamily, in.keys.subscription(space),
         schema::CreateSubscriptionRow(fbb, plan, status, terms, subscription.period_from,
                                       subscription.period_to, pending_plan, pending_checkout,
                                       expires, pending_terms));
}

const schema::SubscriptionRow* get(Reduction& in, std::string_view space) {
  return in.rows.get<schema::SubscriptionRow>(kFamily, in.keys.subscription(space));
}

// What a subscription is when nothing is pending.
std::string_view settled_status(const schema::Plan& terms) {
  return terms.price_minor() > 0 ? "active" : "free";
}

void space_created(Reduction& in, const schema::SpaceCreated& event) {
  put(in, event.space()->string_view(),
      {.status = settled_status(*event.terms()), .terms = event.terms(), .period_from = in.time});
}

void plan_change_requested(Reduction& in, const schema::PlanChangeRequested& event) {
  std::string_view space = event.space()->string_view();
  if (const auto* row = get(in, space)) {
    put(in, space,
        {.status = "pending_payment",
         .terms = row->terms(),
         .period_from = row->period_from(),
         .period_to = row->period_to(),
         .pending = &event});
  }
}

void subscription_started(Reduction& in, const schema::SubscriptionStarted& event) {
  put(in, event.space()->string_view(),
      {.status = settled_status(*event.terms()),
       .terms = event.terms(),
       .period_from = event.period_from(),
       .period_to = event.period_to()});
}

void subscription_ended(Reduction& in, const schema::SubscriptionEnded& event) {
  put(in, event.space()->string_view(),
      {.status = settled_status(*event.terms()), .terms = event.terms(), .period_from = in.time});
}

void plan_change_failed(Reduction& in, const schema::PlanChangeFailed& event) {
  std::string_view space = event.space()->string_view();
  if (const auto* row = get(in, space)) {
    put(in, space,
        {.status = settled_status(*row->terms()),
         .terms = row->terms(),
         .period_from = row->period_from(),
         .period_to = row->period_to()});
  }
}

}  // namespace

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
    reduces<&space_created>(),
    ignores<Reduction, schema::SpaceRenamed>(),
    ignores<Reduction, schema::AccessGranted>(),
    ignores<Reduction, schema::AccessChanged>(),
    ignores<Reduction, schema::AccessRevoked>(),
    ignores<Reduction, schema::ResourceCreated>(),
    ignores<Reduction, schema::ResourceDeleted>(),
    ignores<Reduction, schema::UsageRecorded>(),
    ignores<Reduction, schema::UsageThresholdReached>(),
    reduces<&plan_change_requested>(),
    reduces<&subscription_started>(),
    reduces<&plan_change_failed>(),
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
    reduces<&subscription_ended>(),
    ignores<Reduction, schema::ApiKeyCreated>(),
    ignores<Reduction, schema::ApiKeyRevoked>(),
    ignores<Reduction, schema::ServiceActionsGranted>(),
    ignores<Reduction, schema::ServiceActionsRevoked>(),
});

}  // namespace tenure
