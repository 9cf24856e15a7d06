// One overload a command, each in the decide_*.cc of its stem; decide.cc picks by the union.
#pragma once

#include "engine/domain/guards.h"

namespace tenure {

// decide_organization.cc
Verdict decide(const Incoming&, const schema::CreateOrganization&, EventSink&);
Verdict decide(const Incoming&, const schema::TransferOwnership&, EventSink&);

// decide_membership.cc
Verdict decide(const Incoming&, const schema::AddMember&, EventSink&);
Verdict decide(const Incoming&, const schema::ChangeRole&, EventSink&);
Verdict decide(const Incoming&, const schema::RemoveMember&, EventSink&);
Verdict decide(const Incoming&, const schema::LeaveOrganization&, EventSink&);

// decide_group.cc
Verdict decide(const Incoming&, const schema::CreateGroup&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteGroup&, EventSink&);
Verdict decide(const Incoming&, const schema::AddToGroup&, EventSink&);
Verdict decide(const Incoming&, const schema::RemoveFromGroup&, EventSink&);

// decide_space.cc
Verdict decide(const Incoming&, const schema::CreateSpace&, EventSink&);
Verdict decide(const Incoming&, const schema::RenameSpace&, EventSink&);

// decide_access.cc
Verdict decide(const Incoming&, const schema::GrantAccess&, EventSink&);
Verdict decide(const Incoming&, const schema::ChangeAccess&, EventSink&);
Verdict decide(const Incoming&, const schema::RevokeAccess&, EventSink&);

// decide_resource.cc
Verdict decide(const Incoming&, const schema::CreateResource&, EventSink&);
Verdict decide(const Incoming&, const schema::DeleteResource&, EventSink&);

// decide_usage.cc
Verdict decide(const Incoming&, const schema::RecordUsage&, EventSink&);

// decide_plan.cc
Verdict decide(const Incoming&, const schema::UpgradePlan&, EventSink&);
Verdict decide(const Incoming&, const schema::ConfirmPayment&, EventSink&);
Verdict decide(const Incoming&, const schema::FailPayment&, EventSink&);
Verdict decide(const Incoming&, const schema::ExpireCheckout&, EventSink&);

}  // namespace tenure
