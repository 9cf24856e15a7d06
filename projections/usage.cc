// The usage model: how much each meter of a space has counted. Gauges that follow from access
// (members) are counted when read (space_walk.h), not here.
#include "engine/domain/billing_rows.h"
#include "engine/domain/meters.h"
#include "projections/billing_reductions.h"
#include "projections/month.h"
#include "projections/usage_counters.h"

namespace tenure {
namespace {

constexpr Family kFamily = Family::kUsage;

Counter get_meter(Reduction& in, const Key& key) {
  const auto* row = in.rows.get<schema::MeterRow>(kFamily, key);
  return row ? counter_in(*row) : Counter{};
}

void put_meter(Reduction& in, const Key& key, const Counter& meter) {
  in.put(kFamily, key, meter_row(in.builder, meter));
}

void resource_created(Reduction& in, const schema::ResourceCreated& event) {
  const Key& key = in.keys.meter(event.space()->string_view(), kGaugeMonth, kResourcesMeter);
  Counter meter = get_meter(in, key);
  ++meter.used;
  put_meter(in, key, meter);
}

void resource_copied(Reduction& in, const schema::ResourceCopied& event) {
  const Key& key = in.keys.meter(event.to()->string_view(), kGaugeMonth, kResourcesMeter);
  Counter meter = get_meter(in, key);
  meter.used += !event.replaces();
  put_meter(in, key, meter);
}

void resource_deleted(Reduction& in, const schema::ResourceDeleted& event) {
  const Key& key = in.keys.meter(event.space()->string_view(), kGaugeMonth, kResourcesMeter);
  Counter meter = get_meter(in, key);
  if (meter.used > 0) --meter.used;
  put_meter(in, key, meter);
}

// As the domain counts it, under the plan that the space is on.
void usage_recorded(Reduction& in, const schema::UsageRecorded& event) {
  billing::HeldSpace* held = billing::look_at_space(in, text(event.space()));
  if (held == nullptr) return;
  std::vector<CounterKey> keys;
  for (const schema::UsageEntry* entry : *event.entries()) {
    CounterKey key(month_of(from_micros(*entry->time())), entry->meter()->str());
    if (keys.empty() || keys.back() != key) keys.push_back(std::move(key));
  }
  Space& space = space_of(held->organization, event.space());
  space.counters = get_counters(in, text(event.space()), keys);
  space.usage_seen.clear();  // duplicates are in the event
  evolve(held->organization, event, billing::happened(in));
  put_counters(in, text(event.space()), {}, space.counters);  // what was counted is not as it was
}

// A gauge's thresholds are kept under the month they were crossed in.
void threshold_reached(Reduction& in, const schema::UsageThresholdReached& event) {
  Month month = event.month()->size() == 0 ? month_of(from_micros(in.time))
                                           : parse_month(event.month()->string_view());
  const Key& key = in.keys.meter(event.space()->string_view(), month, event.meter()->string_view());
  Counter meter = get_meter(in, key);
  meter.crossed_percent = std::max(meter.crossed_percent, static_cast<uint8_t>(event.percent()));
  put_meter(in, key, meter);
}

}  // namespace

constexpr ReductionTable<Reduction> kUsageReductions = reduction_table<Reduction>({
    ignores<Reduction, schema::OrganizationCreated>(),
    ignores<Reduction, schema::MemberAdded>(),
    ignores<Reduction, schema::RoleChanged>(),
    ignores<Reduction, schema::MemberRemoved>(),
    ignores<Reduction, schema::OwnershipTransferred>(),
    ignores<Reduction, schema::GroupCreated>(),
    ignores<Reduction, schema::GroupDeleted>(),
    ignores<Reduction, schema::GroupJoined>(),
    ignores<Reduction, schema::GroupLeft>(),
    ignores<Reduction, schema::SpaceCreated>(),
    ignores<Reduction, schema::SpaceRenamed>(),
    ignores<Reduction, schema::AccessGranted>(),
    ignores<Reduction, schema::AccessChanged>(),
    ignores<Reduction, schema::AccessRevoked>(),
    reduces<&resource_created>(),
    reduces<&resource_deleted>(),
    reduces<&usage_recorded>(),
    reduces<&threshold_reached>(),
    ignores<Reduction, schema::PlanChangeRequested>(),
    ignores<Reduction, schema::SubscriptionStarted>(),
    ignores<Reduction, schema::PlanChangeFailed>(),
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
    reduces<&resource_copied>(),
    ignores<Reduction, schema::SubscriptionEnded>(),
    ignores<Reduction, schema::ApiKeyCreated>(),
    ignores<Reduction, schema::ApiKeyRevoked>(),
    ignores<Reduction, schema::ServiceActionsGranted>(),
    ignores<Reduction, schema::ServiceActionsRevoked>(),
    ignores<Reduction, schema::PaymentMethodSet>(),
    ignores<Reduction, schema::PaymentMethodRemoved>(),
    ignores<Reduction, schema::BillingDetailsSet>(),
    ignores<Reduction, schema::BillingModeChanged>(),
    ignores<Reduction, schema::PlanChanged>(),
    ignores<Reduction, schema::CancellationScheduled>(),
    ignores<Reduction, schema::CancellationWithdrawn>(),
    ignores<Reduction, schema::BillingPeriodClosed>(),
    ignores<Reduction, schema::InvoiceIssued>(),
    ignores<Reduction, schema::NothingCharged>(),
    ignores<Reduction, schema::PaymentWanted>(),
    ignores<Reduction, schema::InvoicePaid>(),
    ignores<Reduction, schema::InvoicePartlyPaid>(),
    ignores<Reduction, schema::InvoicePaymentFailed>(),
    ignores<Reduction, schema::CreditNoteIssued>(),
    ignores<Reduction, schema::SubscriptionPastDue>(),
    ignores<Reduction, schema::SubscriptionWarned>(),
    ignores<Reduction, schema::SubscriptionSuspended>(),
    ignores<Reduction, schema::DunningEnded>(),
    ignores<Reduction, schema::SpendingCapSet>(),
    ignores<Reduction, schema::CreditsRequested>(),
    ignores<Reduction, schema::CreditsRequestFailed>(),
    ignores<Reduction, schema::CreditsAdded>(),
    ignores<Reduction, schema::CreditsDrawn>(),
    ignores<Reduction, schema::CreditsExpired>(),
    ignores<Reduction, schema::ClockAdvanced>(),
    ignores<Reduction, schema::SubjectErased>(),
});

}  // namespace tenure
