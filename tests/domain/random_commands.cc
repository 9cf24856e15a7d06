#include <algorithm>
#include <random>

#include "tests/domain/random_commands_maker.h"

namespace tenure {
namespace {

// How often each command is chosen; those that only set the scene come by themselves.
struct Weight {
  Command command;
  int weight;
};
constexpr Weight kWeights[] = {
    {Command::AddMember, 20},          {Command::ChangeRole, 9},
    {Command::RemoveMember, 8},        {Command::LeaveOrganization, 1},
    {Command::TransferOwnership, 1},   {Command::CreateGroup, 4},
    {Command::DeleteGroup, 2},         {Command::AddToGroup, 8},
    {Command::RemoveFromGroup, 3},     {Command::CreateSpace, 3},
    {Command::RenameSpace, 3},         {Command::GrantAccess, 9},
    {Command::ChangeAccess, 4},        {Command::RevokeAccess, 3},
    {Command::CreateResource, 12},     {Command::DeleteResource, 9},
    {Command::RecordUsage, 12},        {Command::UpgradePlan, 2},
    {Command::ConfirmPayment, 3},      {Command::FailPayment, 1},
    {Command::SuspendMember, 2},       {Command::ReinstateMember, 2},
    {Command::RecoverOwnership, 1},    {Command::RenameOrganization, 1},
    {Command::ConfigureSso, 1},        {Command::RemoveSso, 1},
    {Command::ArchiveSpace, 2},        {Command::DeleteSpace, 2},
    {Command::RestoreSpace, 4},        {Command::LeaveSpace, 1},
    {Command::DeleteOrganization, 1},  {Command::RestoreOrganization, 1},
    {Command::UpdateMember, 1},        {Command::AdoptRulebook, 1},
    {Command::DefineSpaceRole, 4},     {Command::DeleteSpaceRole, 2},
    {Command::InviteMember, 7},        {Command::AcceptInvitation, 6},
    {Command::DeclineInvitation, 1},   {Command::RevokeInvitation, 1},
    {Command::UpdateResource, 6},      {Command::CopyResources, 6},
    {Command::ImportSpace, 3},         {Command::SetPaymentMethod, 1},
    {Command::RemovePaymentMethod, 1}, {Command::SetBillingDetails, 1},
    {Command::ChangeBillingMode, 1},   {Command::ResumeSubscription, 2},
    {Command::SetSpendingCap, 1},      {Command::TopUpCredits, 1},
    {Command::GrantCredits, 1},        {Command::UseCredits, 2},
    {Command::RecordPayment, 4},       {Command::FailInvoicePayment, 1},
    {Command::IssueCreditNote, 1},     {Command::EraseSubject, 1},
};

}  // namespace

std::vector<uint8_t> RandomCommands::Maker::make(Time now, size_t org_index) {
  base_ = stream_.options_.rulebooks[org_index % stream_.options_.rulebooks.size()];
  // Now and then again, in case the first one was lost on its way.
  Command type = Command::CreateOrganization;
  if (believed_ != nullptr && !chance(1)) type = choose_command();
  if (believed_ != nullptr && believed_->deleted && chance(50)) {
    type = Command::RestoreOrganization;
  }
  const std::string actor = choose_actor(type);
  const auto command = believed_ == nullptr || type == Command::CreateOrganization
                           ? create_organization(org_index)
                           : build(type, now);
  flatbuffers::Offset<schema::Sealed> reason;
  if (type == Command::RecoverOwnership) {
    const std::vector<uint8_t> box = {1, 2, 3};
    reason = schema::CreateSealedDirect(builder_, nullptr, actor.c_str(), &box);
  }
  return finish(actor, type, command, reason);
}

std::vector<uint8_t> RandomCommands::Maker::finish(const std::string& actor, Command type,
                                                   flatbuffers::Offset<void> command,
                                                   flatbuffers::Offset<schema::Sealed> reason,
                                                   const std::vector<uint8_t>* key_hash) {
  const std::string id = numbered("c", stream_.seed_) + "-" + std::to_string(stream_.made_);
  flatbuffers::Optional<uint64_t> expected;
  if (believed_ != nullptr && chance(4)) expected = believed_->version - (chance(25) ? 1 : 0);
  builder_.Finish(
      schema::CreateCommandEnvelopeDirect(builder_, id.c_str(), org_.c_str(), actor.c_str(), type,
                                          command, expected, reason, nullptr, key_hash),
      schema::CommandEnvelopeIdentifier());
  return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
}

// Of two services; what is granted lets nobody give anything to anybody.
std::vector<uint8_t> RandomCommands::Maker::make_about_services(Time now) {
  const std::string actor = chance(4) ? "service:other" : chance(4) ? "user:u0" : "service:admin";
  const Services* held = believed_ == nullptr ? nullptr : believed_->services.get();
  const std::string service = chance(30) ? "meter" : "other";
  if (chance(25)) {
    const std::string key = numbered("key", chance(10) ? 0 : stream_.made_);
    flatbuffers::Optional<int64_t> expires;
    if (chance(30)) expires = to_micros(now + std::chrono::hours(below(4)) - Duration(1));
    const std::vector<uint8_t> hash(KeyHash{}.size(), static_cast<uint8_t>(below(256)));
    const auto create =
        schema::CreateCreateApiKeyDirect(builder_, key.c_str(), service.c_str(), expires);
    return finish(actor, Command::CreateApiKey, create.Union(), 0, &hash);
  }
  if (chance(15)) {
    std::string key = "none";
    if (held != nullptr && !held->keys.empty() && !chance(5)) {
      key = std::next(held->keys.begin(), static_cast<ptrdiff_t>(below(held->keys.size())))->first;
    }
    const auto revoke = schema::CreateRevokeApiKeyDirect(builder_, key.c_str());
    return finish(actor, Command::RevokeApiKey, revoke.Union(), 0);
  }
  constexpr const char* kActions[] = {"usage.record", "payment.confirm", "resource.create:job",
                                      "resource.create:service", "usage.view"};
  std::vector<flatbuffers::Offset<flatbuffers::String>> actions;
  for (const char* action : kActions) {
    if (chance(40)) actions.push_back(builder_.CreateString(action));
  }
  const std::string org = numbered("org", below(stream_.options_.organizations));
  const std::string space = numbered("s", below(stream_.options_.spaces));
  const char* place = chance(20) ? nullptr : org.c_str();
  const char* space_of_it = place != nullptr && chance(40) ? space.c_str() : nullptr;
  const bool act_for_users = space_of_it == nullptr && chance(20);
  if (chance(60)) {
    const auto grant = schema::CreateGrantServiceActionsDirect(builder_, service.c_str(), &actions,
                                                               place, space_of_it, act_for_users);
    return finish(actor, Command::GrantServiceActions, grant.Union(), 0);
  }
  const auto revoke = schema::CreateRevokeServiceActionsDirect(builder_, service.c_str(), &actions,
                                                               place, space_of_it, act_for_users);
  return finish(actor, Command::RevokeServiceActions, revoke.Union(), 0);
}

Command RandomCommands::Maker::weighted_command() {
  const auto weight_of = [&](const Weight& weight) {
    const bool personal = weight.command == Command::UpdateMember ||
                          weight.command == Command::RecoverOwnership ||
                          weight.command == Command::SetBillingDetails;
    return personal && !stream_.options_.personal_text ? 0 : weight.weight;
  };
  int total = 0;
  for (const Weight& weight : kWeights) total += weight_of(weight);
  int left = static_cast<int>(below(static_cast<uint64_t>(total)));
  for (const Weight& weight : kWeights) {
    if (left < weight_of(weight)) return weight.command;
    left -= weight_of(weight);
  }
  return Command::AddMember;
}

bool RandomCommands::Maker::is_pointless(Command command) const {
  if (command == Command::GrantAccess || command == Command::ChangeAccess ||
      command == Command::RevokeAccess) {
    return believed_->rulebook->space_roles.empty();
  }
  if (command == Command::ConfirmPayment || command == Command::FailPayment) {
    return believed_->checkouts.empty();
  }
  if (command == Command::RecordPayment || command == Command::FailInvoicePayment ||
      command == Command::IssueCreditNote) {
    return std::ranges::none_of(believed_->invoices,
                                [](const auto& held) { return held.second.left() > 0; });
  }
  if (command == Command::ResumeSubscription) {
    return std::ranges::none_of(believed_->spaces, [](const auto& space) {
      return space.second.subscription.cancel_to.has_value();
    });
  }
  if (command == Command::RemovePaymentMethod) {
    return believed_->account.token.empty() &&
           std::ranges::all_of(believed_->spaces, [](const auto& space) {
             return space.second.account.token.empty();
           });
  }
  if (command == Command::UseCredits) {
    return std::ranges::none_of(believed_->spaces, [](const auto& space) {
      return std::ranges::any_of(space.second.credits,
                                 [](const auto& grant) { return grant.second.left > 0; });
    });
  }
  if (command == Command::AcceptInvitation || command == Command::DeclineInvitation ||
      command == Command::RevokeInvitation) {
    return std::ranges::none_of(believed_->invitations,
                                [](const auto& held) { return !held.second.expired; });
  }
  if (command == Command::InviteMember) return !believed_->rulebook->invitation_join;
  if (command == Command::AddMember) {
    return !believed_->rulebook->direct_join || believed_->members.size() == stream_.options_.users;
  }
  if (command == Command::DeleteOrganization || command == Command::RecoverOwnership) {
    return true;
  }
  if (command == Command::RestoreOrganization) return !believed_->deleted;
  if (command == Command::DefineSpaceRole) return !believed_->rulebook->custom_space_roles;
  if (command == Command::DeleteSpaceRole) {
    return std::ranges::none_of(believed_->rulebook->space_roles, &SpaceRole::custom);
  }
  if (command == Command::RestoreSpace) {
    return std::ranges::none_of(believed_->spaces, [](const auto& space) {
      return space.second.status != SpaceStatus::kActive;
    });
  }
  if (command == Command::CopyResources) {
    return std::ranges::none_of(believed_->rulebook->resource_types, &ResourceType::copyable);
  }
  if (command == Command::LeaveOrganization) return !believed_->rulebook->members_may_leave;
  if (command == Command::CreateGroup) {
    return believed_->groups.size() == stream_.options_.groups;
  }
  return command == Command::CreateSpace && believed_->spaces.size() == stream_.options_.spaces;
}

std::string RandomCommands::Maker::choose_actor(Command type) {
  const bool for_services = type == Command::RecordUsage || type == Command::ConfirmPayment ||
                            type == Command::FailPayment || type == Command::RecoverOwnership ||
                            type == Command::GrantCredits || type == Command::UseCredits ||
                            type == Command::RecordPayment || type == Command::FailInvoicePayment ||
                            type == Command::IssueCreditNote || type == Command::EraseSubject;
  if (for_services && !chance(5)) return "service:admin";
  if (chance(2)) return "service:other";
  const bool for_invited = type == Command::AcceptInvitation || type == Command::DeclineInvitation;
  if (for_invited && !chance(10)) {
    const auto found = believed_->invitations.find(invitation());
    if (found != believed_->invitations.end()) return "user:" + found->second.user.str();
  }
  if (believed_ == nullptr || chance(20))
    return "user:" + user([](const std::string&) { return true; });
  return "user:" + user([&](const std::string& id) {
           const auto found = believed_->members.find(id);
           return found != believed_->members.end() &&
                  found->second.role == believed_->rulebook->owner_role;
         });
}

RandomCommands::RandomCommands(uint64_t seed, RandomCommandOptions options)
    : choose_(std::mt19937_64(seed)), options_(std::move(options)), seed_(seed) {}

RandomCommands::RandomCommands(Choices choices, RandomCommandOptions options)
    : choose_(std::move(choices)), options_(std::move(options)) {}

std::vector<uint8_t> RandomCommands::next(Time now) {
  ++made_;
  const bool about_services = options_.services && choose_() % 40 == 0;
  const size_t org = choose_() % options_.organizations;
  std::vector<uint8_t> command =
      about_services ? Maker(*this, std::string(kServicesOrganization)).make_about_services(now)
                     : Maker(*this, numbered("org", org)).make(now, org);
  belief_.apply(command, now);
  return command;
}

}  // namespace tenure
