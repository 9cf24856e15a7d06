// The history model: which decisions are about which entity of an organization. One row a block of
// decisions says it for all its entities: a row for each of them would be most rows that there are.
#include <algorithm>

#include "projections/projection.h"

namespace tenure {

void Entities::add(std::string_view kind, std::string_view id, std::string_view in_space) {
  if (count_ == names_.size()) names_.emplace_back();
  std::string& name = names_[count_];
  name.assign(kind);
  if (!in_space.empty()) name.append(in_space).append("/");
  name.append(id);
  if (std::find(begin(), end(), name) == end()) ++count_;
}

namespace {

void add_user(Entities& entities, const flatbuffers::String* user) {
  entities.add("user:", user->string_view());
}
void add_space(Entities& entities, const flatbuffers::String* space) {
  entities.add("space:", space->string_view());
}
void add_group(Entities& entities, const flatbuffers::String* group) {
  entities.add("group:", group->string_view());
}

void organization_created(Entities& in, const schema::OrganizationCreated& event) {
  add_user(in, event.owner());
}
void ownership_transferred(Entities& in, const schema::OwnershipTransferred& event) {
  add_user(in, event.to());
  add_user(in, event.from());
}

template <class Event>
void of_user(Entities& in, const Event& event) {
  add_user(in, event.user());
}
template <class Event>
void of_group(Entities& in, const Event& event) {
  add_group(in, event.group());
}
template <class Event>
void of_group_and_user(Entities& in, const Event& event) {
  add_group(in, event.group());
  add_user(in, event.user());
}
template <class Event>
void of_space(Entities& in, const Event& event) {
  add_space(in, event.space());
}
// Of one space, or of all that the organization has.
template <class Event>
void of_space_if_named(Entities& in, const Event& event) {
  if (event.space() != nullptr) add_space(in, event.space());
}
template <class Event>
void of_space_and_subject(Entities& in, const Event& event) {
  add_space(in, event.space());
  in.add(event.subject()->string_view(), "");
}
template <class Event>
void of_space_and_resource(Entities& in, const Event& event) {
  add_space(in, event.space());
  in.add("resource:", event.resource()->string_view(), event.space()->string_view());
}

template <class Event>
void of_service(Entities& in, const Event& event) {
  in.add("service:", event.service()->string_view());
}

// About the organization alone.
template <class Event>
void of_none(Entities&, const Event&) {}

void member_invited(Entities& in, const schema::MemberInvited& event) {
  add_user(in, event.user());
  if (event.space() != nullptr) add_space(in, event.space());
}

void resource_copied(Entities& in, const schema::ResourceCopied& event) {
  add_space(in, event.from());
  add_space(in, event.to());
  in.add("resource:", event.resource()->string_view(), event.from()->string_view());
  in.add("resource:", event.as()->string_view(), event.to()->string_view());
}

}  // namespace

constexpr ReductionTable<Entities> kHistoryEntities = reduction_table<Entities>({
    reduces<&organization_created>(),
    reduces<&of_user<schema::MemberAdded>>(),
    reduces<&of_user<schema::RoleChanged>>(),
    reduces<&of_user<schema::MemberRemoved>>(),
    reduces<&ownership_transferred>(),
    reduces<&of_group<schema::GroupCreated>>(),
    reduces<&of_group<schema::GroupDeleted>>(),
    reduces<&of_group_and_user<schema::GroupJoined>>(),
    reduces<&of_group_and_user<schema::GroupLeft>>(),
    reduces<&of_space<schema::SpaceCreated>>(),
    reduces<&of_space<schema::SpaceRenamed>>(),
    reduces<&of_space_and_subject<schema::AccessGranted>>(),
    reduces<&of_space_and_subject<schema::AccessChanged>>(),
    reduces<&of_space_and_subject<schema::AccessRevoked>>(),
    reduces<&of_space_and_resource<schema::ResourceCreated>>(),
    reduces<&of_space_and_resource<schema::ResourceDeleted>>(),
    reduces<&of_space<schema::UsageRecorded>>(),
    reduces<&of_space<schema::UsageThresholdReached>>(),
    reduces<&of_space<schema::PlanChangeRequested>>(),
    reduces<&of_space<schema::SubscriptionStarted>>(),
    reduces<&of_space<schema::PlanChangeFailed>>(),
    reduces<&of_none<schema::OrganizationRenamed>>(),
    reduces<&of_none<schema::OrganizationDeleted>>(),
    reduces<&of_none<schema::OrganizationRestored>>(),
    reduces<&of_none<schema::SsoConfigured>>(),
    reduces<&of_none<schema::SsoRemoved>>(),
    reduces<&of_none<schema::RulebookAdopted>>(),
    reduces<&of_user<schema::MemberUpdated>>(),
    reduces<&of_user<schema::MemberSuspended>>(),
    reduces<&of_user<schema::MemberReinstated>>(),
    reduces<&member_invited>(),
    reduces<&of_user<schema::InvitationAccepted>>(),
    reduces<&of_user<schema::InvitationDeclined>>(),
    reduces<&of_user<schema::InvitationRevoked>>(),
    reduces<&of_user<schema::InvitationExpired>>(),
    reduces<&of_space<schema::SpaceArchived>>(),
    reduces<&of_space<schema::SpaceDeleted>>(),
    reduces<&of_space<schema::SpaceRestored>>(),
    reduces<&of_none<schema::SpaceRoleDefined>>(),
    reduces<&of_none<schema::SpaceRoleDeleted>>(),
    reduces<&of_space_and_resource<schema::ResourceUpdated>>(),
    reduces<&resource_copied>(),
    reduces<&of_space<schema::SubscriptionEnded>>(),
    reduces<&of_service<schema::ApiKeyCreated>>(),
    reduces<&of_service<schema::ApiKeyRevoked>>(),
    reduces<&of_service<schema::ServiceActionsGranted>>(),
    reduces<&of_service<schema::ServiceActionsRevoked>>(),
    reduces<&of_space_if_named<schema::PaymentMethodSet>>(),
    reduces<&of_space_if_named<schema::PaymentMethodRemoved>>(),
    reduces<&of_space_if_named<schema::BillingDetailsSet>>(),
    reduces<&of_none<schema::BillingModeChanged>>(),
    reduces<&of_space<schema::PlanChanged>>(),
    reduces<&of_space<schema::CancellationScheduled>>(),
    reduces<&of_space<schema::CancellationWithdrawn>>(),
    reduces<&of_space<schema::BillingPeriodClosed>>(),
    reduces<&of_space_if_named<schema::InvoiceIssued>>(),
    reduces<&of_space_if_named<schema::NothingCharged>>(),
    reduces<&of_none<schema::PaymentWanted>>(),
    reduces<&of_none<schema::InvoicePaid>>(),
    reduces<&of_none<schema::InvoicePartlyPaid>>(),
    reduces<&of_none<schema::InvoicePaymentFailed>>(),
    reduces<&of_none<schema::CreditNoteIssued>>(),
    reduces<&of_space_if_named<schema::SubscriptionPastDue>>(),
    reduces<&of_space_if_named<schema::SubscriptionWarned>>(),
    reduces<&of_space_if_named<schema::SubscriptionSuspended>>(),
    reduces<&of_space_if_named<schema::DunningEnded>>(),
    reduces<&of_space<schema::SpendingCapSet>>(),
    reduces<&of_space<schema::CreditsRequested>>(),
    reduces<&of_space<schema::CreditsRequestFailed>>(),
    reduces<&of_space<schema::CreditsAdded>>(),
    reduces<&of_space<schema::CreditsDrawn>>(),
    reduces<&of_space<schema::CreditsExpired>>(),
    reduces<&of_none<schema::ClockAdvanced>>(),
    reduces<&of_user<schema::SubjectErased>>(),
});

void Entities::assign(const schema::Decision& decision) {
  count_ = 0;
  add(decision.command_nested_root()->actor()->string_view(), "");
  if (decision.events() == nullptr) return;
  for (const schema::EventBox* box : *decision.events()) {
    kHistoryEntities[static_cast<size_t>(box->event_type())](*this, box->event());
  }
}

}  // namespace tenure
