#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "engine/domain/calendar.h"
#include "engine/domain/text.h"
#include "engine/partition/row_key.h"
#include "engine/partition/state_rows.h"

namespace tenure {
namespace {

RowKey meter_key(std::string_view space, Month month, std::string_view meter) {
  return RowKey(RowKind::kMeter, space).separator().big_endian(month).text(meter);
}

RowKey seen_key(std::string_view space, Month month) {
  return RowKey(RowKind::kUsageSeen, space).separator().big_endian(month);
}

// The chunk is not known yet: the fingerprint stands in its place.
RowKey seen_key(std::string_view space, Month month, Fingerprint fingerprint) {
  return seen_key(space, month).big_endian(fingerprint.high).big_endian(fingerprint.low);
}

RowKey grant_key(std::string_view service, std::string_view org, std::string_view space) {
  return RowKey(RowKind::kServiceGrant, service, org).separator().text(space);
}

template <class Event>
RowKey grant_key(const Event& event) {
  return grant_key(text(event.service()), text(event.org()), text(event.space()));
}

void touch_usage(const Organization& before, const schema::UsageRecorded& event,
                 TouchedRows& touched) {
  const std::string_view space_id = event.space()->string_view();
  for (const schema::UsageEntry* entry : *event.entries()) {
    const Month month = month_of(from_micros(*entry->time()));
    touched.add(meter_key(space_id, month, entry->meter()->string_view()));
    touched.add(
        seen_key(space_id, month,
                 usage_fingerprint(entry->source()->string_view(), entry->id()->string_view())));
  }
  // Months that may go now.
  const auto space = before.spaces.find(space_id);
  if (space == before.spaces.end()) return;
  for (const auto& seen : space->second.usage_seen) touched.add(seen_key(space_id, seen.first));
}

// The organization's own account is in its own row.
void touch_account(const flatbuffers::String* space, TouchedRows& touched) {
  if (space != nullptr) touched.add(RowKey(RowKind::kSubscription, space->string_view()));
}

// What a bill, or that there is none, settles: periods, and the use in them.
void touch_settled(const Organization& before, const flatbuffers::String* only,
                   TouchedRows& touched) {
  for (const auto& [id, space] : before.spaces) {
    if (only != nullptr && id != only->string_view()) continue;
    if (std::ranges::all_of(space.periods, &Period::settled)) continue;
    touched.add(RowKey(RowKind::kSubscription, id));
    for (const auto& [key, counter] : space.counters) {
      if (!counter.ranges.empty()) touched.add(meter_key(id, key.first, key.second));
    }
  }
}

void touch_event(const Organization& before, const schema::EventBox& box, Time time,
                 TouchedRows& touched) {
  const auto add = [&](RowKind kind, const auto*... parts) {
    touched.add(RowKey(kind, parts->string_view()...));
  };
  switch (box.event_type()) {
    case schema::Event::NONE:
    case schema::Event::OrganizationCreated:
    case schema::Event::OrganizationRenamed:
    case schema::Event::OrganizationDeleted:
    case schema::Event::OrganizationRestored:
    case schema::Event::SsoConfigured:
    case schema::Event::SsoRemoved:
    case schema::Event::BillingModeChanged:
    case schema::Event::ClockAdvanced:
    case schema::Event::PaymentWanted:
    case schema::Event::InvoicePaymentFailed:
    case schema::Event::SubjectErased:
      return;  // its own row is always touched
    // A member whose role is called otherwise has an event of their own; an expired invitation not.
    case schema::Event::RulebookAdopted:
      for (const auto& [id, invitation] : before.invitations) {
        touched.add(RowKey(RowKind::kInvitation, id));
      }
      return touched.add(RowKey(RowKind::kRulebook));
    case schema::Event::SpaceRoleDefined:
    case schema::Event::SpaceRoleDeleted:
      return touched.add(RowKey(RowKind::kRulebook));
    case schema::Event::MemberUpdated:
      return;  // for display
    case schema::Event::MemberSuspended:
      return add(RowKind::kMember, box.event_as_MemberSuspended()->user());
    case schema::Event::MemberReinstated:
      return add(RowKind::kMember, box.event_as_MemberReinstated()->user());
    case schema::Event::MemberInvited:
      return add(RowKind::kInvitation, box.event_as_MemberInvited()->invitation());
    case schema::Event::InvitationAccepted:
      return add(RowKind::kInvitation, box.event_as_InvitationAccepted()->invitation());
    case schema::Event::InvitationDeclined:
      return add(RowKind::kInvitation, box.event_as_InvitationDeclined()->invitation());
    case schema::Event::InvitationRevoked:
      return add(RowKind::kInvitation, box.event_as_InvitationRevoked()->invitation());
    case schema::Event::InvitationExpired:
      return add(RowKind::kInvitation, box.event_as_InvitationExpired()->invitation());
    case schema::Event::SpaceArchived:
      return add(RowKind::kSpace, box.event_as_SpaceArchived()->space());
    case schema::Event::SpaceDeleted:
      return add(RowKind::kSpace, box.event_as_SpaceDeleted()->space());
    case schema::Event::SpaceRestored:
      return add(RowKind::kSpace, box.event_as_SpaceRestored()->space());
    case schema::Event::MemberAdded:
      return add(RowKind::kMember, box.event_as_MemberAdded()->user());
    case schema::Event::RoleChanged:
      return add(RowKind::kMember, box.event_as_RoleChanged()->user());
    case schema::Event::MemberRemoved:
      return add(RowKind::kMember, box.event_as_MemberRemoved()->user());
    case schema::Event::OwnershipTransferred:
      add(RowKind::kMember, box.event_as_OwnershipTransferred()->to());
      return add(RowKind::kMember, box.event_as_OwnershipTransferred()->from());
    case schema::Event::GroupCreated:
      return add(RowKind::kGroup, box.event_as_GroupCreated()->group());
    case schema::Event::GroupDeleted:
      return add(RowKind::kGroup, box.event_as_GroupDeleted()->group());
    case schema::Event::GroupJoined: {
      const auto* event = box.event_as_GroupJoined();
      return add(RowKind::kGroupMember, event->group(), event->user());
    }
    case schema::Event::GroupLeft: {
      const auto* event = box.event_as_GroupLeft();
      return add(RowKind::kGroupMember, event->group(), event->user());
    }
    case schema::Event::SpaceCreated:
      add(RowKind::kSpace, box.event_as_SpaceCreated()->space());
      return add(RowKind::kSubscription, box.event_as_SpaceCreated()->space());
    case schema::Event::SpaceRenamed:
      return add(RowKind::kSpace, box.event_as_SpaceRenamed()->space());
    case schema::Event::AccessGranted: {
      const auto* event = box.event_as_AccessGranted();
      return add(RowKind::kAccess, event->space(), event->subject());
    }
    case schema::Event::AccessChanged: {
      const auto* event = box.event_as_AccessChanged();
      return add(RowKind::kAccess, event->space(), event->subject());
    }
    case schema::Event::AccessRevoked: {
      const auto* event = box.event_as_AccessRevoked();
      return add(RowKind::kAccess, event->space(), event->subject());
    }
    case schema::Event::ResourceCreated: {
      const auto* event = box.event_as_ResourceCreated();
      return add(RowKind::kResource, event->space(), event->resource());
    }
    case schema::Event::ResourceUpdated: {
      const auto* event = box.event_as_ResourceUpdated();
      return add(RowKind::kResource, event->space(), event->resource());
    }
    case schema::Event::ResourceCopied: {
      const auto* event = box.event_as_ResourceCopied();
      return add(RowKind::kResource, event->to(), event->as());
    }
    case schema::Event::ResourceDeleted: {
      const auto* event = box.event_as_ResourceDeleted();
      return add(RowKind::kResource, event->space(), event->resource());
    }
    case schema::Event::UsageRecorded:
      return touch_usage(before, *box.event_as_UsageRecorded(), touched);
    case schema::Event::UsageThresholdReached: {
      const auto* event = box.event_as_UsageThresholdReached();
      const std::string_view name = event->month()->string_view();
      const Month month = name.empty() ? month_of(time) : parse_month(name);
      return touched.add(
          meter_key(event->space()->string_view(), month, event->meter()->string_view()));
    }
    case schema::Event::PlanChangeRequested:
      return add(RowKind::kSubscription, box.event_as_PlanChangeRequested()->space());
    case schema::Event::SubscriptionStarted:
      return add(RowKind::kSubscription, box.event_as_SubscriptionStarted()->space());
    case schema::Event::SubscriptionEnded:
      return add(RowKind::kSubscription, box.event_as_SubscriptionEnded()->space());
    case schema::Event::PlanChangeFailed:
      return add(RowKind::kSubscription, box.event_as_PlanChangeFailed()->space());
    case schema::Event::ApiKeyCreated:
      return add(RowKind::kApiKey, box.event_as_ApiKeyCreated()->key());
    case schema::Event::ApiKeyRevoked:
      return add(RowKind::kApiKey, box.event_as_ApiKeyRevoked()->key());
    case schema::Event::ServiceActionsGranted:
      return touched.add(grant_key(*box.event_as_ServiceActionsGranted()));
    case schema::Event::ServiceActionsRevoked:
      return touched.add(grant_key(*box.event_as_ServiceActionsRevoked()));
    case schema::Event::PlanChanged:
      return add(RowKind::kSubscription, box.event_as_PlanChanged()->space());
    case schema::Event::CancellationScheduled:
      return add(RowKind::kSubscription, box.event_as_CancellationScheduled()->space());
    case schema::Event::CancellationWithdrawn:
      return add(RowKind::kSubscription, box.event_as_CancellationWithdrawn()->space());
    case schema::Event::BillingPeriodClosed:
      return add(RowKind::kSubscription, box.event_as_BillingPeriodClosed()->space());
    case schema::Event::SpendingCapSet:
      return add(RowKind::kSubscription, box.event_as_SpendingCapSet()->space());
    case schema::Event::CreditsRequested:
      return add(RowKind::kSubscription, box.event_as_CreditsRequested()->space());
    case schema::Event::CreditsRequestFailed:
      return add(RowKind::kSubscription, box.event_as_CreditsRequestFailed()->space());
    case schema::Event::PaymentMethodSet:
      return touch_account(box.event_as_PaymentMethodSet()->space(), touched);
    case schema::Event::PaymentMethodRemoved:
      return touch_account(box.event_as_PaymentMethodRemoved()->space(), touched);
    case schema::Event::BillingDetailsSet:
      return touch_account(box.event_as_BillingDetailsSet()->space(), touched);
    case schema::Event::CreditsAdded: {
      const auto* event = box.event_as_CreditsAdded();
      add(RowKind::kSubscription, event->space());  // its top-up is over
      return add(RowKind::kCredit, event->space(), event->grant());
    }
    case schema::Event::CreditsDrawn: {
      const auto* event = box.event_as_CreditsDrawn();
      for (const auto* draw : *event->draws()) add(RowKind::kCredit, event->space(), draw->grant());
      return;
    }
    case schema::Event::CreditsExpired: {
      const auto* event = box.event_as_CreditsExpired();
      return add(RowKind::kCredit, event->space(), event->grant());
    }
    case schema::Event::InvoiceIssued:
      touch_settled(before, box.event_as_InvoiceIssued()->space(), touched);
      return add(RowKind::kInvoice, box.event_as_InvoiceIssued()->invoice());
    case schema::Event::NothingCharged:
      return touch_settled(before, box.event_as_NothingCharged()->space(), touched);
    case schema::Event::InvoicePaid:
      return add(RowKind::kInvoice, box.event_as_InvoicePaid()->invoice());
    case schema::Event::InvoicePartlyPaid:
      return add(RowKind::kInvoice, box.event_as_InvoicePartlyPaid()->invoice());
    case schema::Event::CreditNoteIssued:
      return add(RowKind::kInvoice, box.event_as_CreditNoteIssued()->invoice());
    case schema::Event::SubscriptionPastDue:
      return add(RowKind::kInvoice, box.event_as_SubscriptionPastDue()->invoice());
    case schema::Event::SubscriptionWarned:
      return add(RowKind::kInvoice, box.event_as_SubscriptionWarned()->invoice());
    case schema::Event::SubscriptionSuspended:
      return add(RowKind::kInvoice, box.event_as_SubscriptionSuspended()->invoice());
    case schema::Event::DunningEnded:
      return add(RowKind::kInvoice, box.event_as_DunningEnded()->invoice());
  }
  CHECK(false);  // the log's reader stops at what this build does not know
}

}  // namespace

void TouchedRows::add(std::string_view key) {
  const uint16_t size = static_cast<uint16_t>(key.size());
  CHECK(size == key.size());
  bytes_.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(key);
}

std::vector<std::string_view> TouchedRows::sorted() const {
  std::vector<std::string_view> keys;
  for (size_t at = 0; at < bytes_.size();) {
    uint16_t size;
    std::memcpy(&size, bytes_.data() + at, sizeof(size));
    keys.push_back(std::string_view(bytes_).substr(at + sizeof(size), size));
    at += sizeof(size) + size;
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void touch_rows(const Organization& before, const schema::Decision& decision,
                TouchedRows& touched) {
  touched.add(RowKey(RowKind::kOrganization));  // its version
  if (decision.events() == nullptr) return;
  const Time time = from_micros(decision.time());
  for (const schema::EventBox* box : *decision.events()) touch_event(before, *box, time, touched);
}

void touch_all(const Organization& organization, TouchedRows& touched) {
  touched.add(RowKey(RowKind::kOrganization));
  touched.add(RowKey(RowKind::kRulebook));
  for (const auto& [id, invitation] : organization.invitations) {
    touched.add(RowKey(RowKind::kInvitation, id));
  }
  if (organization.services != nullptr) {
    for (const auto& [id, key] : organization.services->keys) {
      touched.add(RowKey(RowKind::kApiKey, id));
    }
    for (const auto& [id, service] : organization.services->granted) {
      for (const auto& [place, grant] : service.grants) {
        touched.add(grant_key(id, place.org, place.space));
      }
    }
  }
  for (const auto& [id, invoice] : organization.invoices) {
    touched.add(RowKey(RowKind::kInvoice, id));
  }
  for (const auto& [user, member] : organization.members) {
    touched.add(RowKey(RowKind::kMember, user));
  }
  for (const auto& [id, group] : organization.groups) {
    touched.add(RowKey(RowKind::kGroup, id));
    for (const UserId& user : group.users) touched.add(RowKey(RowKind::kGroupMember, id, user));
  }
  for (const auto& [id, space] : organization.spaces) {
    touched.add(RowKey(RowKind::kSpace, id));
    touched.add(RowKey(RowKind::kSubscription, id));
    for (const auto& [subject, roles] : space.access) {
      touched.add(RowKey(RowKind::kAccess, id, subject));
    }
    for (const auto& [resource, found] : space.resources) {
      touched.add(RowKey(RowKind::kResource, id, resource));
    }
    for (const auto& [key, counter] : space.counters) {
      touched.add(meter_key(id, key.first, key.second));
    }
    for (const auto& [grant, held] : space.credits) {
      touched.add(RowKey(RowKind::kCredit, id, grant));
    }
    for (const auto& [month, seen] : space.usage_seen) {
      seen.for_each(
          [&](Fingerprint fingerprint) { touched.add(seen_key(id, month, fingerprint)); });
    }
  }
}

}  // namespace tenure
