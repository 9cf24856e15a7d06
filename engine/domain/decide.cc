#include "engine/domain/decide.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/domain/decide_commands.h"

namespace tenure {
namespace {

using schema::Command;

Verdict dispatch(const Incoming& in, EventSink& events) {
  const schema::CommandEnvelope& envelope = in.envelope;
  switch (envelope.command_type()) {
    case Command::CreateOrganization:
      return decide(in, *envelope.command_as_CreateOrganization(), events);
    case Command::AddMember:
      return decide(in, *envelope.command_as_AddMember(), events);
    case Command::ChangeRole:
      return decide(in, *envelope.command_as_ChangeRole(), events);
    case Command::RemoveMember:
      return decide(in, *envelope.command_as_RemoveMember(), events);
    case Command::LeaveOrganization:
      return decide(in, *envelope.command_as_LeaveOrganization(), events);
    case Command::TransferOwnership:
      return decide(in, *envelope.command_as_TransferOwnership(), events);
    case Command::CreateGroup:
      return decide(in, *envelope.command_as_CreateGroup(), events);
    case Command::DeleteGroup:
      return decide(in, *envelope.command_as_DeleteGroup(), events);
    case Command::AddToGroup:
      return decide(in, *envelope.command_as_AddToGroup(), events);
    case Command::RemoveFromGroup:
      return decide(in, *envelope.command_as_RemoveFromGroup(), events);
    case Command::CreateSpace:
      return decide(in, *envelope.command_as_CreateSpace(), events);
    case Command::RenameSpace:
      return decide(in, *envelope.command_as_RenameSpace(), events);
    case Command::GrantAccess:
      return decide(in, *envelope.command_as_GrantAccess(), events);
    case Command::ChangeAccess:
      return decide(in, *envelope.command_as_ChangeAccess(), events);
    case Command::RevokeAccess:
      return decide(in, *envelope.command_as_RevokeAccess(), events);
    case Command::CreateResource:
      return decide(in, *envelope.command_as_CreateResource(), events);
    case Command::UpdateResource:
      return decide(in, *envelope.command_as_UpdateResource(), events);
    case Command::DeleteResource:
      return decide(in, *envelope.command_as_DeleteResource(), events);
    case Command::CopyResources:
      return decide(in, *envelope.command_as_CopyResources(), events);
    case Command::ImportSpace:
      return decide(in, *envelope.command_as_ImportSpace(), events);
    case Command::RecordUsage:
      return decide(in, *envelope.command_as_RecordUsage(), events);
    case Command::UpgradePlan:
      return decide(in, *envelope.command_as_UpgradePlan(), events);
    case Command::ConfirmPayment:
      return decide(in, *envelope.command_as_ConfirmPayment(), events);
    case Command::FailPayment:
      return decide(in, *envelope.command_as_FailPayment(), events);
    case Command::ExpireCheckout:
      return decide(in, *envelope.command_as_ExpireCheckout(), events);
    case Command::RenameOrganization:
      return decide(in, *envelope.command_as_RenameOrganization(), events);
    case Command::DeleteOrganization:
      return decide(in, *envelope.command_as_DeleteOrganization(), events);
    case Command::RestoreOrganization:
      return decide(in, *envelope.command_as_RestoreOrganization(), events);
    case Command::RecoverOwnership:
      return decide(in, *envelope.command_as_RecoverOwnership(), events);
    case Command::ConfigureSso:
      return decide(in, *envelope.command_as_ConfigureSso(), events);
    case Command::AdoptRulebook:
      return decide(in, *envelope.command_as_AdoptRulebook(), events);
    case Command::DefineSpaceRole:
      return decide(in, *envelope.command_as_DefineSpaceRole(), events);
    case Command::DeleteSpaceRole:
      return decide(in, *envelope.command_as_DeleteSpaceRole(), events);
    case Command::RemoveSso:
      return decide(in, *envelope.command_as_RemoveSso(), events);
    case Command::UpdateMember:
      return decide(in, *envelope.command_as_UpdateMember(), events);
    case Command::SuspendMember:
      return decide(in, *envelope.command_as_SuspendMember(), events);
    case Command::ReinstateMember:
      return decide(in, *envelope.command_as_ReinstateMember(), events);
    case Command::InviteMember:
      return decide(in, *envelope.command_as_InviteMember(), events);
    case Command::AcceptInvitation:
      return decide(in, *envelope.command_as_AcceptInvitation(), events);
    case Command::DeclineInvitation:
      return decide(in, *envelope.command_as_DeclineInvitation(), events);
    case Command::RevokeInvitation:
      return decide(in, *envelope.command_as_RevokeInvitation(), events);
    case Command::ExpireInvitation:
      return decide(in, *envelope.command_as_ExpireInvitation(), events);
    case Command::ArchiveSpace:
      return decide(in, *envelope.command_as_ArchiveSpace(), events);
    case Command::DeleteSpace:
      return decide(in, *envelope.command_as_DeleteSpace(), events);
    case Command::RestoreSpace:
      return decide(in, *envelope.command_as_RestoreSpace(), events);
    case Command::LeaveSpace:
      return decide(in, *envelope.command_as_LeaveSpace(), events);
    case Command::CreateApiKey:
      return decide(in, *envelope.command_as_CreateApiKey(), events);
    case Command::RevokeApiKey:
      return decide(in, *envelope.command_as_RevokeApiKey(), events);
    case Command::GrantServiceActions:
      return decide(in, *envelope.command_as_GrantServiceActions(), events);
    case Command::RevokeServiceActions:
      return decide(in, *envelope.command_as_RevokeServiceActions(), events);
    case Command::SetPaymentMethod:
      return decide(in, *envelope.command_as_SetPaymentMethod(), events);
    case Command::RemovePaymentMethod:
      return decide(in, *envelope.command_as_RemovePaymentMethod(), events);
    case Command::SetBillingDetails:
      return decide(in, *envelope.command_as_SetBillingDetails(), events);
    case Command::ChangeBillingMode:
      return decide(in, *envelope.command_as_ChangeBillingMode(), events);
    case Command::ResumeSubscription:
      return decide(in, *envelope.command_as_ResumeSubscription(), events);
    case Command::SetSpendingCap:
      return decide(in, *envelope.command_as_SetSpendingCap(), events);
    case Command::TopUpCredits:
      return decide(in, *envelope.command_as_TopUpCredits(), events);
    case Command::GrantCredits:
      return decide(in, *envelope.command_as_GrantCredits(), events);
    case Command::UseCredits:
      return decide(in, *envelope.command_as_UseCredits(), events);
    case Command::RecordPayment:
      return decide(in, *envelope.command_as_RecordPayment(), events);
    case Command::FailInvoicePayment:
      return decide(in, *envelope.command_as_FailInvoicePayment(), events);
    case Command::IssueCreditNote:
      return decide(in, *envelope.command_as_IssueCreditNote(), events);
    case Command::AdvanceClock:
      return decide(in, *envelope.command_as_AdvanceClock(), events);
    case Command::CloseBillingPeriod:
      return decide(in, *envelope.command_as_CloseBillingPeriod(), events);
    case Command::IssueInvoice:
      return decide(in, *envelope.command_as_IssueInvoice(), events);
    case Command::ExpireCredits:
      return decide(in, *envelope.command_as_ExpireCredits(), events);
    case Command::AdvanceDunning:
      return decide(in, *envelope.command_as_AdvanceDunning(), events);
    case Command::EraseSubject:
      return decide(in, *envelope.command_as_EraseSubject(), events);
    case Command::UnreadableMessage:
    case Command::NONE:
      break;
  }
  return reject(RejectionCode::malformed,
                "this kind of command is unknown here; upgrade, or name another",
                "contract: commands");
}

}  // namespace

Verdict decide(const Organization* organization, const schema::CommandEnvelope& envelope,
               const DecideContext& context, EventSink& events) {
  // Of who sent it no more may be known than that it came.
  if (const auto* message = envelope.command_as_UnreadableMessage()) {
    return reject(RejectionCode::malformed, message->why()->str(), "contract: commands");
  }
  const Actor actor = TRY(known_actor(envelope.actor()));
  if (actor.kind != Actor::Kind::kSystem) TRY(valid_id("id", envelope.id()));
  TRY(valid_org(envelope));
  TRY(is_sealed("reason", envelope.reason()));
  return dispatch(Incoming{organization, envelope, context, actor}, events);
}

Time decision_time(const Organization* organization, Time now, std::optional<Time> due) {
  if (organization == nullptr || !organization->clock) return now;
  return std::max(*organization->clock, due.value_or(Time{}));
}

namespace {

// What tells apart things of the same id that fall due one after the other: an invitation's id may
// be used again when it is over.
std::string due_scope(const DueItem& item) {
  switch (item.kind) {
    case DueKind::kExpireCheckout:
    case DueKind::kExpireCredits:
      return item.space;
    case DueKind::kExpireInvitation:
    case DueKind::kCloseBillingPeriod:
    case DueKind::kAdvanceDunning:
      return std::to_string(to_micros(item.at));
    case DueKind::kIssueInvoice:
      return std::to_string(to_micros(item.at)) + ":" + item.space;
  }
  return {};
}

struct DueCommand {
  Command type;
  flatbuffers::Offset<void> command;
};

DueCommand build_due(flatbuffers::FlatBufferBuilder& builder, const DueItem& item) {
  const char* id = item.id.c_str();
  const char* space = item.space.c_str();
  switch (item.kind) {
    case DueKind::kExpireCheckout:
      return {Command::ExpireCheckout,
              schema::CreateExpireCheckoutDirect(builder, space, id).Union()};
    case DueKind::kExpireInvitation:
      return {Command::ExpireInvitation, schema::CreateExpireInvitationDirect(builder, id).Union()};
    case DueKind::kCloseBillingPeriod:
      return {Command::CloseBillingPeriod,
              schema::CreateCloseBillingPeriodDirect(builder, space, to_micros(item.at)).Union()};
    case DueKind::kIssueInvoice:
      return {Command::IssueInvoice,
              schema::CreateIssueInvoiceDirect(builder, item.space.empty() ? nullptr : space,
                                               to_micros(item.at))
                  .Union()};
    case DueKind::kExpireCredits:
      return {Command::ExpireCredits,
              schema::CreateExpireCreditsDirect(builder, space, id).Union()};
    case DueKind::kAdvanceDunning:
      return {Command::AdvanceDunning, schema::CreateAdvanceDunningDirect(builder, id).Union()};
  }
  return {Command::NONE, 0};
}

}  // namespace

std::vector<uint8_t> due_command(const OrgId& org, const DueItem& item) {
  flatbuffers::FlatBufferBuilder builder(512);
  const auto [type, command] = build_due(builder, item);
  std::string id = "system:";
  id.append(schema::EnumNameCommand(type))
      .append(":")
      .append(due_scope(item))
      .append(":")
      .append(item.id);
  builder.Finish(schema::CreateCommandEnvelopeDirect(builder, id.c_str(), org.str().c_str(),
                                                     "system", type, command),
                 schema::CommandEnvelopeIdentifier());
  const uint8_t* bytes = builder.GetBufferPointer();
  return {bytes, bytes + builder.GetSize()};
}

}  // namespace tenure
