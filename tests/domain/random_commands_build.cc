#include "engine/base/check.h"
#include "tests/domain/random_commands_maker.h"

namespace tenure {

flatbuffers::Offset<void> RandomCommands::Maker::build(Command type, Time now) {
  switch (type) {
    case Command::AddMember:
    case Command::ChangeRole:
    case Command::RemoveMember:
    case Command::LeaveOrganization:
    case Command::TransferOwnership:
    case Command::SuspendMember:
    case Command::ReinstateMember:
    case Command::RecoverOwnership:
    case Command::UpdateMember:
    case Command::EraseSubject:
      return build_member(type);
    case Command::AdoptRulebook:
    case Command::DefineSpaceRole:
    case Command::DeleteSpaceRole:
      return build_rulebook(type);
    case Command::RenameOrganization:
    case Command::DeleteOrganization:
    case Command::RestoreOrganization:
    case Command::ConfigureSso:
    case Command::RemoveSso:
      return build_organization(type);
    case Command::InviteMember:
    case Command::AcceptInvitation:
    case Command::DeclineInvitation:
    case Command::RevokeInvitation:
      return build_invitation(type);
    case Command::CreateGroup:
    case Command::DeleteGroup:
    case Command::AddToGroup:
    case Command::RemoveFromGroup:
      return build_group(type);
    case Command::CreateSpace:
    case Command::RenameSpace:
    case Command::UpgradePlan:
    case Command::ArchiveSpace:
    case Command::DeleteSpace:
    case Command::RestoreSpace:
    case Command::LeaveSpace:
      return build_space(type);
    case Command::GrantAccess:
    case Command::ChangeAccess:
    case Command::RevokeAccess:
      return build_access(type);
    case Command::CreateResource:
    case Command::UpdateResource:
    case Command::DeleteResource:
      return build_resource(type);
    case Command::CopyResources:
      return build_copy();
    case Command::ImportSpace:
      return build_import();
    case Command::RecordUsage:
      return build_usage(now);
    case Command::ConfirmPayment:
    case Command::FailPayment:
      return build_payment(type);
    case Command::SetPaymentMethod:
    case Command::RemovePaymentMethod:
    case Command::SetBillingDetails:
    case Command::ChangeBillingMode:
    case Command::ResumeSubscription:
    case Command::SetSpendingCap:
    case Command::TopUpCredits:
    case Command::GrantCredits:
    case Command::UseCredits:
    case Command::RecordPayment:
    case Command::FailInvoicePayment:
    case Command::IssueCreditNote:
      return build_billing(type, now);
    case Command::CloseBillingPeriod:
    case Command::IssueInvoice:
    case Command::ExpireCredits:
    case Command::AdvanceDunning:
    case Command::AdvanceClock:
    case Command::ExpireInvitation:
    case Command::CreateOrganization:
    case Command::ExpireCheckout:
    case Command::UnreadableMessage:
    case Command::CreateApiKey:
    case Command::RevokeApiKey:
    case Command::GrantServiceActions:
    case Command::RevokeServiceActions:
    case Command::NONE:
      break;
  }
  CHECK(!"not among the weights");
  return 0;
}

flatbuffers::Offset<void> RandomCommands::Maker::build_organization(Command type) {
  switch (type) {
    case Command::DeleteOrganization:
      return schema::CreateDeleteOrganization(builder_, true).Union();
    case Command::RestoreOrganization:
      return schema::CreateRestoreOrganization(builder_, true).Union();
    case Command::ConfigureSso:
      return schema::CreateConfigureSsoDirect(builder_, "https://id.example",
                                              numbered("client", below(3)).c_str())
          .Union();
    case Command::RemoveSso:
      return schema::CreateRemoveSso(builder_).Union();
    default:
      return schema::CreateRenameOrganizationDirect(builder_,
                                                    numbered("Organization ", below(5)).c_str())
          .Union();
  }
}

flatbuffers::Offset<void> RandomCommands::Maker::build_member(Command type) {
  if (type == Command::LeaveOrganization) return schema::CreateLeaveOrganization(builder_).Union();
  if (type == Command::AddMember) {
    const std::string newcomer =
        user([&](const std::string& id) { return !believed_->members.contains(id); });
    if (believed_->rulebook->space_roles.empty() || !chance(30)) {
      return schema::CreateAddMemberDirect(builder_, newcomer.c_str(), role().c_str()).Union();
    }
    const auto roles = given_roles();
    const std::string id = space(true);
    return schema::CreateAddMemberDirect(builder_, newcomer.c_str(), role().c_str(), 0, 0,
                                         id.c_str(), &roles)
        .Union();
  }
  const std::string target = type == Command::ReinstateMember ? user([&](const std::string& id) {
    const auto found = believed_->members.find(id);
    return found != believed_->members.end() && found->second.suspended;
  })
                                                              : member();
  if (type == Command::UpdateMember) {
    const std::vector<uint8_t> box = {4, 5, 6};
    const auto name = schema::CreateSealedDirect(builder_, nullptr, target.c_str(), &box);
    return schema::CreateUpdateMemberDirect(builder_, target.c_str(), name).Union();
  }
  if (type == Command::SuspendMember) {
    return schema::CreateSuspendMemberDirect(builder_, target.c_str()).Union();
  }
  if (type == Command::ReinstateMember) {
    return schema::CreateReinstateMemberDirect(builder_, target.c_str()).Union();
  }
  if (type == Command::EraseSubject) {
    return schema::CreateEraseSubjectDirect(builder_, target.c_str()).Union();
  }
  if (type == Command::RecoverOwnership) {
    return schema::CreateRecoverOwnershipDirect(builder_, target.c_str()).Union();
  }
  if (type == Command::ChangeRole) {
    return schema::CreateChangeRoleDirect(builder_, target.c_str(), role().c_str()).Union();
  }
  if (type == Command::RemoveMember) {
    return schema::CreateRemoveMemberDirect(builder_, target.c_str()).Union();
  }
  return schema::CreateTransferOwnershipDirect(builder_, target.c_str()).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_invitation(Command type) {
  if (type == Command::InviteMember) return build_invite();
  const std::string id = invitation();
  if (type == Command::AcceptInvitation) {
    return schema::CreateAcceptInvitationDirect(builder_, id.c_str()).Union();
  }
  if (type == Command::DeclineInvitation) {
    return schema::CreateDeclineInvitationDirect(builder_, id.c_str()).Union();
  }
  return schema::CreateRevokeInvitationDirect(builder_, id.c_str()).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_invite() {
  const std::string id = numbered("i", stream_.made_ - (chance(5) ? 1 : 0));
  const std::string who =
      user([&](const std::string& u) { return !believed_->members.contains(u); });
  flatbuffers::Optional<uint64_t> expires_in_s;
  if (chance(90)) expires_in_s = below(7'200);  // stale ones are only refused
  if (chance(50)) {
    return schema::CreateInviteMemberDirect(builder_, id.c_str(), who.c_str(), 0, expires_in_s,
                                            role().c_str())
        .Union();
  }
  const std::string there = pick("s", stream_.options_.spaces, [&](const std::string& s) {
    const Space* found = believed_space(s);
    return found != nullptr && found->status == SpaceStatus::kActive;
  });
  const auto roles = given_roles();
  return schema::CreateInviteMemberDirect(builder_, id.c_str(), who.c_str(), 0, expires_in_s,
                                          nullptr, there.c_str(), &roles)
      .Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_group(Command type) {
  if (type == Command::CreateGroup) {
    return schema::CreateCreateGroupDirect(builder_, group(false).c_str(), "Group").Union();
  }
  const std::string id = group(true);
  if (type == Command::DeleteGroup)
    return schema::CreateDeleteGroupDirect(builder_, id.c_str()).Union();
  const auto found = believed_->groups.find(id);
  const std::string who = user([&](const std::string& u) {
    const bool inside = found != believed_->groups.end() && found->second.users.contains(u);
    return believed_->members.contains(u) && inside == (type == Command::RemoveFromGroup);
  });
  if (type == Command::AddToGroup) {
    return schema::CreateAddToGroupDirect(builder_, id.c_str(), who.c_str()).Union();
  }
  return schema::CreateRemoveFromGroupDirect(builder_, id.c_str(), who.c_str()).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_space(Command type) {
  const std::string id =
      type == Command::UpgradePlan
          ? pick("s", stream_.options_.spaces,
                 [&](const std::string& s) {
                   const Space* found = believed_space(s);
                   if (found == nullptr) return false;
                   return chance(40) || found->subscription.status == SubscriptionStatus::kFree;
                 })
          : space(type != Command::CreateSpace);
  if (type == Command::CreateSpace) {
    constexpr const char* kPlans[] = {nullptr, "free", "free", "basic", "scale"};
    return schema::CreateCreateSpaceDirect(builder_, id.c_str(), "Space", kPlans[below(5)]).Union();
  }
  if (type == Command::RestoreSpace) {
    const std::string gone = pick("s", stream_.options_.spaces, [&](const std::string& s) {
      const Space* found = believed_space(s);
      return found != nullptr && found->status != SpaceStatus::kActive;
    });
    return schema::CreateRestoreSpaceDirect(builder_, gone.c_str()).Union();
  }
  if (type == Command::RenameSpace) {
    const std::string name = numbered("Space ", below(5));
    return schema::CreateRenameSpaceDirect(builder_, id.c_str(), name.c_str()).Union();
  }
  if (type == Command::ArchiveSpace) {
    return schema::CreateArchiveSpaceDirect(builder_, id.c_str()).Union();
  }
  if (type == Command::DeleteSpace) {
    return schema::CreateDeleteSpaceDirect(builder_, id.c_str(), !chance(10)).Union();
  }
  if (type == Command::LeaveSpace) {
    return schema::CreateLeaveSpaceDirect(builder_, id.c_str()).Union();
  }
  constexpr const char* kPlans[] = {"basic", "pro", "scale", "basic-yearly", "free", "gold"};
  return schema::CreateUpgradePlanDirect(builder_, id.c_str(), kPlans[below(6)], chance(80))
      .Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_access(Command type) {
  const std::string id = open_space();
  const Space* found = believed_space(id);
  const auto wanted = [&](const std::string& subject) {
    return found != nullptr && found->access.contains(subject) == (type != Command::GrantAccess);
  };
  const std::string subject =
      chance(30) ? "group:" + pick("g", stream_.options_.groups,
                                   [&](const std::string& g) {
                                     return believed_->groups.contains(g) && wanted("group:" + g);
                                   })
                 : "user:" + user([&](const std::string& u) {
                     return believed_->members.contains(u) && wanted("user:" + u);
                   });
  if (type == Command::RevokeAccess) {
    return schema::CreateRevokeAccessDirect(builder_, id.c_str(), subject.c_str()).Union();
  }
  const auto roles = given_roles();
  if (type == Command::GrantAccess) {
    return schema::CreateGrantAccessDirect(builder_, id.c_str(), subject.c_str(), &roles).Union();
  }
  return schema::CreateChangeAccessDirect(builder_, id.c_str(), subject.c_str(), &roles).Union();
}

const Resource* RandomCommands::Maker::held_in(const Space* space, const std::string& id) {
  if (space == nullptr) return nullptr;
  const auto found = space->resources.find(id);
  return found == space->resources.end() || found->second.deleted ? nullptr : &found->second;
}

std::string RandomCommands::Maker::resource(const Space* space, bool existing) {
  return pick("r", stream_.options_.resources,
              [&](const std::string& id) { return (held_in(space, id) != nullptr) == existing; });
}

std::string RandomCommands::Maker::type_of(const Space* space, const std::string& resource) {
  const Resource* held = held_in(space, resource);
  if (held != nullptr && !chance(5)) return believed_->rulebook->resource_types[held->type].name;
  return name_of(believed_->rulebook->resource_types);
}

flatbuffers::Offset<void> RandomCommands::Maker::build_resource(Command type) {
  const std::string id = open_space();
  const Space* found = believed_space(id);
  const std::string named = resource(found, type != Command::CreateResource);
  if (type == Command::DeleteResource) {
    return schema::CreateDeleteResourceDirect(builder_, id.c_str(), named.c_str()).Union();
  }
  std::vector<flatbuffers::Offset<flatbuffers::String>> links;
  if (chance(25)) links.push_back(builder_.CreateString(resource(found, true)));
  if (type == Command::UpdateResource) {
    return schema::CreateUpdateResourceDirect(builder_, id.c_str(), type_of(found, named).c_str(),
                                              named.c_str(),
                                              numbered("Resource ", below(3)).c_str(), &links)
        .Union();
  }
  return schema::CreateCreateResourceDirect(builder_, id.c_str(),
                                            name_of(believed_->rulebook->resource_types).c_str(),
                                            named.c_str(), "Resource", &links)
      .Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_copy() {
  const std::string from = space(true);
  const Space* source = believed_space(from);
  const std::string to = pick("s", stream_.options_.spaces, [&](const std::string& id) {
    const Space* found = believed_space(id);
    return id != from && found != nullptr && found->status == SpaceStatus::kActive;
  });
  const auto copyable = [&](const std::string& id) {
    const Resource* held = held_in(source, id);
    return held != nullptr && believed_->rulebook->resource_types[held->type].copyable;
  };
  std::vector<flatbuffers::Offset<schema::CopyItem>> items;
  for (uint64_t left = 1 + below(2); left > 0; --left) {
    const std::string copied = pick("r", stream_.options_.resources, copyable);
    const std::string as = resource(believed_space(to), false);
    items.push_back(
        schema::CreateCopyItemDirect(builder_, copied.c_str(), chance(40) ? as.c_str() : nullptr));
  }
  return schema::CreateCopyResourcesDirect(builder_, from.c_str(), to.c_str(), &items, chance(50))
      .Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_import() {
  const std::string id = open_space();
  const Space* found = believed_space(id);
  const uint64_t count = 1 + below(4), first = below(stream_.options_.resources);
  std::vector<flatbuffers::Offset<schema::ImportedResource>> resources;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string named = numbered("r", (first + i) % stream_.options_.resources);
    std::vector<flatbuffers::Offset<flatbuffers::String>> links;
    if (i > 0) links.push_back(builder_.CreateString(numbered("r", first)));
    resources.push_back(schema::CreateImportedResourceDirect(
        builder_, type_of(found, named).c_str(), named.c_str(),
        numbered("Resource ", below(3)).c_str(), &links, chance(50) ? "sha256:1" : nullptr));
  }
  return schema::CreateImportSpaceDirect(builder_, id.c_str(), &resources).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_usage(Time now) {
  std::vector<flatbuffers::Offset<schema::UsageEntry>> entries;
  for (uint64_t left = 1 + below(3); left > 0; --left) {
    const std::string id = std::to_string(chance(10) ? below(stream_.made_ + 1) : stream_.made_) +
                           "-" + std::to_string(left);
    flatbuffers::Optional<int64_t> time;
    if (chance(20)) {
      time = to_micros(now - std::chrono::hours(below(24 * 100)));
      if (*time < 0) time = 0;
    }
    entries.push_back(schema::CreateUsageEntryDirect(builder_, "meter", id.c_str(), "api_requests",
                                                     below(60), time));
  }
  return schema::CreateRecordUsageDirect(builder_, open_space().c_str(), &entries).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_payment(Command type) {
  std::string checkout = "none";
  if (!believed_->checkouts.empty()) checkout = believed_->checkouts.begin()->first.str();
  if (type == Command::ConfirmPayment) {
    return schema::CreateConfirmPaymentDirect(builder_, checkout.c_str()).Union();
  }
  return schema::CreateFailPaymentDirect(builder_, checkout.c_str()).Union();
}

}  // namespace tenure
