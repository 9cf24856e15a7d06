// One overload a command, each in the decide_*.cc of its stem; decide.cc picks by the union.
#pragma once

#include "engine/domain/guards.h"

namespace tenure {

// decide_organization.cc
Verdict decide(const Incoming&, const schema::CreateOrganization&, EventSink&);
Verdict decide(const Incoming&, const schema::TransferOwnership&, EventSink&);
Verdict decide(const Incoming&, const schema::RecoverOwnership&, EventSink&);
Verdict decide(const Incoming&, const schema::RenameOrganization&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteOrganization&, EventSink&);
Verdict decide(const Incoming&, const schema::RestoreOrganization&, EventSink&);
Verdict decide(const Incoming&, const schema::ConfigureSso&, EventSink&);
Verdict decide(const Incoming&, const schema::RemoveSso&, EventSink&);

// decide_membership.cc
Verdict decide(const Incoming&, const schema::AddMember&, EventSink&);
Verdict decide(const Incoming&, const schema::ChangeRole&, EventSink&);
Verdict decide(const Incoming&, const schema::RemoveMember&, EventSink&);
Verdict decide(const Incoming&, const schema::LeaveOrganization&, EventSink&);
Verdict decide(const Incoming&, const schema::UpdateMember&, EventSink&);
Verdict decide(const Incoming&, const schema::SuspendMember&, EventSink&);
Verdict decide(const Incoming&, const schema::ReinstateMember&, EventSink&);
Verdict decide(const Incoming&, const schema::EraseSubject&, EventSink&);

// decide_invitation.cc
Verdict decide(const Incoming&, const schema::InviteMember&, EventSink&);
Verdict decide(const Incoming&, const schema::AcceptInvitation&, EventSink&);
Verdict decide(const Incoming&, const schema::DeclineInvitation&, EventSink&);
Verdict decide(const Incoming&, const schema::RevokeInvitation&, EventSink&);
Verdict decide(const Incoming&, const schema::ExpireInvitation&, EventSink&);

// decide_group.cc
Verdict decide(const Incoming&, const schema::CreateGroup&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteGroup&, EventSink&);
Verdict decide(const Incoming&, const schema::AddToGroup&, EventSink&);
Verdict decide(const Incoming&, const schema::RemoveFromGroup&, EventSink&);

// decide_space.cc
Verdict decide(const Incoming&, const schema::CreateSpace&, EventSink&);
Verdict decide(const Incoming&, const schema::RenameSpace&, EventSink&);
Verdict decide(const Incoming&, const schema::ArchiveSpace&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteSpace&, EventSink&);
Verdict decide(const Incoming&, const schema::RestoreSpace&, EventSink&);

// decide_rulebook.cc
Verdict decide(const Incoming&, const schema::AdoptRulebook&, EventSink&);
Verdict decide(const Incoming&, const schema::DefineSpaceRole&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteSpaceRole&, EventSink&);

// decide_access.cc
Verdict decide(const Incoming&, const schema::GrantAccess&, EventSink&);
Verdict decide(const Incoming&, const schema::ChangeAccess&, EventSink&);
Verdict decide(const Incoming&, const schema::RevokeAccess&, EventSink&);
Verdict decide(const Incoming&, const schema::LeaveSpace&, EventSink&);

// decide_resource.cc
Verdict decide(const Incoming&, const schema::CreateResource&, EventSink&);
Verdict decide(const Incoming&, const schema::UpdateResource&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteResource&, EventSink&);
Verdict decide(const Incoming&, const schema::ImportSpace&, EventSink&);

// decide_copy.cc
Verdict decide(const Incoming&, const schema::CopyResources&, EventSink&);

// decide_usage.cc
Verdict decide(const Incoming&, const schema::RecordUsage&, EventSink&);

// decide_plan.cc
Verdict decide(const Incoming&, const schema::UpgradePlan&, EventSink&);
Verdict decide(const Incoming&, const schema::ResumeSubscription&, EventSink&);

// decide_checkout.cc
Verdict decide(const Incoming&, const schema::ConfirmPayment&, EventSink&);
Verdict decide(const Incoming&, const schema::FailPayment&, EventSink&);
Verdict decide(const Incoming&, const schema::ExpireCheckout&, EventSink&);

// decide_service.cc
Verdict decide(const Incoming&, const schema::CreateApiKey&, EventSink&);
Verdict decide(const Incoming&, const schema::RevokeApiKey&, EventSink&);
Verdict decide(const Incoming&, const schema::GrantServiceActions&, EventSink&);
Verdict decide(const Incoming&, const schema::RevokeServiceActions&, EventSink&);

// decide_billing.cc
Verdict decide(const Incoming&, const schema::SetPaymentMethod&, EventSink&);
Verdict decide(const Incoming&, const schema::RemovePaymentMethod&, EventSink&);
Verdict decide(const Incoming&, const schema::SetBillingDetails&, EventSink&);
Verdict decide(const Incoming&, const schema::ChangeBillingMode&, EventSink&);
Verdict decide(const Incoming&, const schema::SetSpendingCap&, EventSink&);
Verdict decide(const Incoming&, const schema::CloseBillingPeriod&, EventSink&);

// decide_credit.cc
Verdict decide(const Incoming&, const schema::TopUpCredits&, EventSink&);
Verdict decide(const Incoming&, const schema::GrantCredits&, EventSink&);
Verdict decide(const Incoming&, const schema::UseCredits&, EventSink&);
Verdict decide(const Incoming&, const schema::ExpireCredits&, EventSink&);

// decide_invoice.cc
Verdict decide(const Incoming&, const schema::IssueInvoice&, EventSink&);
Verdict decide(const Incoming&, const schema::RecordPayment&, EventSink&);
Verdict decide(const Incoming&, const schema::FailInvoicePayment&, EventSink&);
Verdict decide(const Incoming&, const schema::IssueCreditNote&, EventSink&);
Verdict decide(const Incoming&, const schema::AdvanceDunning&, EventSink&);

// decide_clock.cc
Verdict decide(const Incoming&, const schema::AdvanceClock&, EventSink&);

}  // namespace tenure
