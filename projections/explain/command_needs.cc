#include "projections/explain/command_needs.h"

#include <algorithm>

#include "engine/domain/plans.h"
#include "engine/domain/text.h"

namespace tenure {
namespace {

using schema::Command;

class Collector {
 public:
  Collector(const schema::Decision& decision, OrganizationRows* before)
      : decision_(decision), envelope_(*decision.command_nested_root()), before_(before) {}

  void here(Action action) { add(std::string(action_name(action)), {}); }
  void there(Action action, const flatbuffers::String* space) {
    add(std::string(action_name(action)), text(space));
  }
  void of_type(ResourceVerb verb, std::string_view type, std::string_view space) {
    add(std::string(verb_name(verb)) + ":" + std::string(type), space);
  }
  // Who has it for no type at all is refused before it is seen that nothing is there.
  void of_some_type(ResourceVerb verb, std::string_view space) {
    const auto* rejection = decision_.rejection();
    if (before_ == nullptr || rejection == nullptr ||
        rejection->code() != schema::RejectionCode::forbidden) {
      return;
    }
    of_type(verb, before_->rulebook().resource_types.front().name, space);
  }
  void or_else(Action action) { needs_.actions.back().or_else = action_name(action); }
  void none(std::string instead) { needs_.instead = std::move(instead); }
  CommandNeeds take() { return std::move(needs_); }

  bool is_actor(const flatbuffers::String* user) const {
    return text(envelope_.actor()) == std::string_view(SubjectKey::user(text(user)));
  }

  // The type of a resource that is there; empty: none is.
  Result<std::string> type_of(const flatbuffers::String* space, const flatbuffers::String* id) {
    if (before_ == nullptr) return std::string();
    const Key& key = before_->keys().resource(text(space), text(id));
    if (!TRY(before_->view().get(Family::kMembership, key, row_))) return std::string();
    const auto& resource = row_.as<schema::ResourceRow>();
    return resource.deleted() ? std::string() : resource.type()->str();
  }

  // Of what exists by its type; of what does not, the type that the command says.
  Result<void> put(const flatbuffers::String* space, const flatbuffers::String* id,
                   std::string_view type) {
    const std::string held = TRY(type_of(space, id));
    of_type(held.empty() ? ResourceVerb::kCreate : ResourceVerb::kUpdate,
            held.empty() ? type : std::string_view(held), text(space));
    return {};
  }

  Result<void> invite(const flatbuffers::String* space) {
    space != nullptr ? there(Action::kAccessManage, space) : here(Action::kMemberAdd);
    return {};
  }
  // Of the space, or (none named) of the organization.
  void billing(const flatbuffers::String* space) {
    space != nullptr ? there(Action::kBillingManage, space) : here(Action::kBillingManage);
  }
  Result<void> revoke_invitation(const schema::RevokeInvitation& command) {
    if (before_ == nullptr) return invite(nullptr);
    const Key& key = before_->keys().invitation(text(command.invitation()));
    const bool found = TRY(before_->view().get(Family::kMembership, key, row_));
    return invite(found ? row_.as<schema::InvitationRow>().space() : nullptr);
  }

  Result<void> copy(const schema::CopyResources& command) {
    if (decision_.outcome() == schema::Outcome::accepted) {
      for (const schema::EventBox* box : *decision_.events()) {
        const auto* copied = box->event_as_ResourceCopied();
        if (copied == nullptr) continue;
        of_type(ResourceVerb::kRead, text(copied->type()), text(copied->from()));
        TRY(put(copied->to(), copied->as(), text(copied->type())));
      }
      return {};
    }
    for (const schema::CopyItem* item : *command.resources()) {
      const std::string type = TRY(type_of(command.from(), item->resource()));
      if (type.empty()) continue;
      of_type(ResourceVerb::kRead, type, text(command.from()));
      const auto* as = item->as() != nullptr ? item->as() : item->resource();
      TRY(put(command.to(), as, type));
    }
    return {};
  }
  Result<void> import(const schema::ImportSpace& command) {
    for (const schema::ImportedResource* each : *command.resources()) {
      TRY(put(command.space(), each->resource(), text(each->type())));
    }
    return {};
  }

 private:
  void add(std::string action, std::string_view space) {
    CommandNeeds::Need need{std::move(action), std::string(space), {}};
    if (std::ranges::find(needs_.actions, need) == needs_.actions.end()) {
      needs_.actions.push_back(std::move(need));
    }
  }

  const schema::Decision& decision_;
  const schema::CommandEnvelope& envelope_;
  OrganizationRows* before_;
  CommandNeeds needs_;
  Row row_;
};

Result<void> add_member(const schema::AddMember& command, Collector& in) {
  in.here(Action::kMemberAdd);
  if (command.space() != nullptr) in.there(Action::kAccessManage, command.space());
  return {};
}

Result<void> create_space(const schema::CreateSpace& command, const Catalog& catalog,
                          Collector& in) {
  in.here(Action::kSpaceCreate);
  const schema::Plan* plan = catalog.find(text(command.plan()));
  if (plan != nullptr && is_paid(*plan)) in.here(Action::kPlanChange);
  if (command.payment_token() != nullptr) in.here(Action::kBillingManage);
  return {};
}

// Those that need one action in the organization itself, or none at all; false: another.
bool needs_no_look(Command type, Collector& in) {
  switch (type) {
    case Command::RenameOrganization:
      in.here(Action::kOrganizationRename);
      return true;
    case Command::DeleteOrganization:
    case Command::RestoreOrganization:
      in.here(Action::kOrganizationDelete);
      return true;
    case Command::TransferOwnership:
      in.here(Action::kOrganizationTransfer);
      return true;
    case Command::RecoverOwnership:
      in.here(Action::kOrganizationRecover);
      return true;
    case Command::ConfigureSso:
    case Command::RemoveSso:
      in.here(Action::kOrganizationSso);
      return true;
    case Command::AdoptRulebook:
      in.here(Action::kOrganizationRulebook);
      return true;
    case Command::DefineSpaceRole:
    case Command::DeleteSpaceRole:
      in.here(Action::kSpaceRoleDefine);
      return true;
    case Command::CreateGroup:
    case Command::DeleteGroup:
    case Command::AddToGroup:
    case Command::RemoveFromGroup:
      in.here(Action::kGroupManage);
      return true;
    case Command::ChangeRole:
      in.here(Action::kMemberChangeRole);
      return true;
    case Command::RemoveMember:
    case Command::SuspendMember:
    case Command::ReinstateMember:
      in.here(Action::kMemberRemove);
      return true;
    case Command::ConfirmPayment:
    case Command::FailPayment:
      in.here(Action::kPaymentConfirm);
      return true;
    case Command::ChangeBillingMode:
      in.here(Action::kBillingManage);
      return true;
    case Command::EraseSubject:
      in.here(Action::kSubjectErase);
      return true;
    case Command::RecordPayment:
    case Command::FailInvoicePayment:
      in.here(Action::kInvoiceSettle);
      return true;
    case Command::IssueCreditNote:
      in.here(Action::kInvoiceCreditNote);
      return true;
    case Command::AdvanceClock:
      in.here(Action::kClockAdvance);
      return true;
    case Command::CreateApiKey:
    case Command::RevokeApiKey:
    case Command::GrantServiceActions:
    case Command::RevokeServiceActions:
      in.none("service:admin manages services and their keys");
      return true;
    case Command::CreateOrganization:
      in.none("anybody may create an organization");
      return true;
    case Command::LeaveOrganization:
    case Command::LeaveSpace:
      in.none("one leaves by oneself");
      return true;
    case Command::AcceptInvitation:
    case Command::DeclineInvitation:
      in.none("who is invited answers");
      return true;
    case Command::ExpireCheckout:
    case Command::ExpireInvitation:
    case Command::CloseBillingPeriod:
    case Command::IssueInvoice:
    case Command::ExpireCredits:
    case Command::AdvanceDunning:
      in.none("due work is the engine's own");
      return true;
    case Command::UnreadableMessage:
    case Command::NONE:
      in.none("it could not be read as a command");
      return true;
    case Command::AddMember:
    case Command::UpdateMember:
    case Command::InviteMember:
    case Command::RevokeInvitation:
    case Command::CreateSpace:
    case Command::RenameSpace:
    case Command::ArchiveSpace:
    case Command::DeleteSpace:
    case Command::RestoreSpace:
    case Command::GrantAccess:
    case Command::ChangeAccess:
    case Command::RevokeAccess:
    case Command::CreateResource:
    case Command::UpdateResource:
    case Command::DeleteResource:
    case Command::CopyResources:
    case Command::ImportSpace:
    case Command::RecordUsage:
    case Command::UpgradePlan:
    case Command::ResumeSubscription:
    case Command::SetPaymentMethod:
    case Command::RemovePaymentMethod:
    case Command::SetBillingDetails:
    case Command::SetSpendingCap:
    case Command::TopUpCredits:
    case Command::GrantCredits:
    case Command::UseCredits:
      return false;
  }
  return false;
}

// Those whose need is in a space, or depends on what they say.
Result<void> look_at(const schema::CommandEnvelope& envelope, const Catalog& catalog,
                     Collector& in) {
  if (const auto* command = envelope.command_as_AddMember()) return add_member(*command, in);
  if (const auto* command = envelope.command_as_UpdateMember()) {
    in.is_actor(command->user()) ? in.none("one's own name and e-mail are one's own")
                                 : in.here(Action::kMemberChangeRole);
  } else if (const auto* command = envelope.command_as_InviteMember()) {
    return in.invite(command->space());
  } else if (const auto* command = envelope.command_as_RevokeInvitation()) {
    return in.revoke_invitation(*command);
  } else if (const auto* command = envelope.command_as_CreateSpace()) {
    return create_space(*command, catalog, in);
  } else if (const auto* command = envelope.command_as_RenameSpace()) {
    in.there(Action::kSpaceRename, command->space());
  } else if (const auto* command = envelope.command_as_ArchiveSpace()) {
    in.there(Action::kSpaceArchive, command->space());
  } else if (const auto* command = envelope.command_as_DeleteSpace()) {
    in.there(Action::kSpaceDelete, command->space());
  } else if (const auto* command = envelope.command_as_RestoreSpace()) {
    in.there(Action::kSpaceArchive, command->space());
    in.or_else(Action::kSpaceDelete);
  } else if (const auto* command = envelope.command_as_GrantAccess()) {
    in.there(Action::kAccessManage, command->space());
  } else if (const auto* command = envelope.command_as_ChangeAccess()) {
    in.there(Action::kAccessManage, command->space());
  } else if (const auto* command = envelope.command_as_RevokeAccess()) {
    in.there(Action::kAccessManage, command->space());
  } else if (const auto* command = envelope.command_as_CreateResource()) {
    in.of_type(ResourceVerb::kCreate, text(command->type()), text(command->space()));
  } else if (const auto* command = envelope.command_as_UpdateResource()) {
    const std::string held = TRY(in.type_of(command->space(), command->resource()));
    in.of_type(ResourceVerb::kUpdate, held.empty() ? text(command->type()) : held,
               text(command->space()));
  } else if (const auto* command = envelope.command_as_DeleteResource()) {
    const std::string held = TRY(in.type_of(command->space(), command->resource()));
    held.empty() ? in.of_some_type(ResourceVerb::kDelete, text(command->space()))
                 : in.of_type(ResourceVerb::kDelete, held, text(command->space()));
  } else if (const auto* command = envelope.command_as_CopyResources()) {
    return in.copy(*command);
  } else if (const auto* command = envelope.command_as_ImportSpace()) {
    return in.import(*command);
  } else if (const auto* command = envelope.command_as_RecordUsage()) {
    in.there(Action::kUsageRecord, command->space());
  } else if (const auto* command = envelope.command_as_UpgradePlan()) {
    in.there(Action::kPlanChange, command->space());
  } else if (const auto* command = envelope.command_as_ResumeSubscription()) {
    in.there(Action::kPlanChange, command->space());
  } else if (const auto* command = envelope.command_as_SetPaymentMethod()) {
    in.billing(command->space());
  } else if (const auto* command = envelope.command_as_RemovePaymentMethod()) {
    in.billing(command->space());
  } else if (const auto* command = envelope.command_as_SetBillingDetails()) {
    in.billing(command->space());
  } else if (const auto* command = envelope.command_as_SetSpendingCap()) {
    in.billing(command->space());
  } else if (const auto* command = envelope.command_as_TopUpCredits()) {
    in.there(Action::kCreditTopUp, command->space());
  } else if (const auto* command = envelope.command_as_GrantCredits()) {
    in.there(Action::kCreditGrant, command->space());
  } else if (const auto* command = envelope.command_as_UseCredits()) {
    in.there(Action::kCreditUse, command->space());
  }
  return {};
}

}  // namespace

Result<CommandNeeds> needs_of(const schema::Decision& decision, OrganizationRows* before,
                              const Catalog& catalog) {
  const schema::CommandEnvelope& envelope = *decision.command_nested_root();
  Collector in(decision, before);
  if (!needs_no_look(envelope.command_type(), in)) TRY(look_at(envelope, catalog, in));
  return in.take();
}

}  // namespace tenure
