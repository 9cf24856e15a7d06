// The billing model: what a space's subscription is and what it is about to become, its credits,
// and the organization's invoices.
#include <algorithm>

#include "engine/domain/emit.h"
#include "projections/billing_reductions.h"
#include "projections/usage_counters.h"

namespace tenure {
namespace billing {

Happened happened(const Reduction& in) {
  static const Rulebooks none;
  return {Number{in.number}, from_micros(in.time), in.actor, none};
}

void get_shared(Reduction& in, Organization& organization) {
  const auto* row = in.rows.get<schema::BillingRow>(kFamily, in.keys.organization());
  if (row == nullptr) return;
  organization.account = account_in(row->account());
  if (row->anchor()) organization.anchor = from_micros(*row->anchor());
}

std::vector<std::string> waiting_spaces(Reduction& in) {
  std::vector<std::string> waiting;
  const auto* row = in.rows.get<schema::BillingRow>(kFamily, in.keys.organization());
  if (row == nullptr || row->waiting() == nullptr) return waiting;
  for (const auto* space : *row->waiting()) waiting.push_back(space->str());
  return waiting;
}

namespace {

// Writes nothing that is there already.
void put_shared(Reduction& in, const Organization& organization,
                const std::vector<std::string>& waiting) {
  Organization known;
  get_shared(in, known);
  if (known.account == organization.account && known.anchor == organization.anchor &&
      waiting_spaces(in) == waiting) {
    return;
  }
  auto& fbb = in.builder;
  const auto account = account_row(fbb, organization.account);
  const auto spaces = fbb.CreateVectorOfStrings(waiting);
  flatbuffers::Optional<int64_t> anchor = flatbuffers::nullopt;
  if (organization.anchor) anchor = to_micros(*organization.anchor);
  in.put(kFamily, in.keys.organization(), schema::CreateBillingRow(fbb, account, anchor, spaces));
}

bool waits(const Space& space) {
  return std::ranges::any_of(
      space.periods, [](const Period& period) { return period.consolidated && !period.settled; });
}

}  // namespace

void put_shared(Reduction& in, const Organization& organization) {
  put_shared(in, organization, waiting_spaces(in));
}

std::optional<HeldSpace> get_space(Reduction& in, std::string_view space) {
  const auto* row = in.rows.get<schema::SubscriptionRow>(kFamily, in.keys.subscription(space));
  if (row == nullptr) return std::nullopt;
  std::optional<HeldSpace> held(std::in_place);
  held->credits = {.left = row->credits_minor(),
                   .used = row->credits_used_minor(),
                   .month = row->credits_used_month()};
  if (!read_subscription(*row, held->organization.spaces[SpaceId(space)])) return std::nullopt;
  get_shared(in, held->organization);
  return held;
}

HeldSpace* look_at_space(Reduction& in, std::string_view space) {
  std::string rows;
  const auto add = [&](std::string_view key) {
    const RowBytes row = in.rows.bytes_of(kFamily, key);
    rows.append(key).append(reinterpret_cast<const char*>(row.data()), row.size());
  };
  add(in.keys.subscription(space));
  add(in.keys.organization());
  HeldSpaceMemo& memo = in.held_space;
  if (rows != memo.rows) {
    memo.space = get_space(in, space);
    memo.rows = std::move(rows);
  }
  return memo.space ? &*memo.space : nullptr;
}

void put_space(Reduction& in, std::string_view space, const HeldSpace& held) {
  const Space& kept = held.organization.spaces.find(space)->second;
  in.put(kFamily, in.keys.subscription(space), subscription_row(in.builder, kept, held.credits));
  std::vector<std::string> waiting = waiting_spaces(in);
  const auto place = std::ranges::lower_bound(waiting, space);
  const bool listed = place != waiting.end() && *place == space;
  if (waits(kept) && !listed) waiting.insert(place, std::string(space));
  if (!waits(kept) && listed) waiting.erase(place);
  put_shared(in, held.organization, waiting);
}

flatbuffers::Offset<schema::BillingDetailsSet> copy_details(
    flatbuffers::FlatBufferBuilder& builder, const schema::BillingDetailsSet& event) {
  const auto space = copy_text(builder, event.space());
  const auto name = copy_sealed(builder, event.name());
  const auto address = copy_sealed(builder, event.address());
  const auto country = builder.CreateString(event.country());
  const auto tax_id = copy_sealed(builder, event.tax_id());
  return schema::CreateBillingDetailsSet(builder, space, name, address, country, tax_id,
                                         copy_sealed(builder, event.email()));
}

namespace {

void space_created(Reduction& in, const schema::SpaceCreated& event) {
  HeldSpace held;
  get_shared(in, held.organization);
  evolve(held.organization, event, happened(in));
  put_space(in, text(event.space()), held);
}

// What is late for a period that is over keeps the period.
void billing_period_closed(Reduction& in, const schema::BillingPeriodClosed& event) {
  std::optional<HeldSpace> held = get_space(in, text(event.space()));
  if (!held) return;
  Space& space = space_of(held->organization, event.space());
  space.counters = get_billable_counters(in, text(event.space()), space);
  evolve(held->organization, event, happened(in));
  put_space(in, text(event.space()), *held);
}

void billing_details_set(Reduction& in, const schema::BillingDetailsSet& event) {
  of_account(in, event);
  in.put(kFamily, in.keys.billing_details(text(event.space())), copy_details(in.builder, event));
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
    reduces<&billing::of_account<schema::PaymentMethodSet>>(),
    reduces<&billing::of_account<schema::PaymentMethodRemoved>>(),
    reduces<&billing::billing_details_set>(),
    ignores<Reduction, schema::BillingModeChanged>(),
    reduces<&billing::of_space<schema::PlanChanged>>(),
    reduces<&billing::of_space<schema::CancellationScheduled>>(),
    reduces<&billing::of_space<schema::CancellationWithdrawn>>(),
    reduces<&billing::billing_period_closed>(),
    reduces<&billing::invoice_issued>(),
    reduces<&billing::nothing_charged>(),
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
    ignores<Reduction, schema::SubjectErased>(),
});

}  // namespace tenure
