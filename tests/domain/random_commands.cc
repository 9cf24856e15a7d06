#include "tests/domain/random_commands.h"

#include "engine/base/check.h"

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;
using schema::Command;

// How often each command is chosen; those that only set the scene come by themselves.
struct Weight {
  Command command;
  int weight;
};
constexpr Weight kWeights[] = {
    {Command::AddMember, 20},        {Command::ChangeRole, 12},       {Command::RemoveMember, 8},
    {Command::LeaveOrganization, 1}, {Command::TransferOwnership, 1}, {Command::CreateGroup, 4},
    {Command::DeleteGroup, 2},       {Command::AddToGroup, 8},        {Command::RemoveFromGroup, 3},
    {Command::CreateSpace, 3},       {Command::RenameSpace, 3},       {Command::GrantAccess, 9},
    {Command::ChangeAccess, 4},      {Command::RevokeAccess, 3},      {Command::CreateResource, 12},
    {Command::DeleteResource, 9},    {Command::RecordUsage, 12},      {Command::UpgradePlan, 3},
    {Command::ConfirmPayment, 3},    {Command::FailPayment, 1},
};

std::string numbered(std::string prefix, uint64_t number) {
  return prefix.append(std::to_string(number));
}

}  // namespace

// Makes one command for one organization.
class RandomCommands::Maker {
 public:
  Maker(RandomCommands& stream, std::string org)
      : stream_(stream), org_(std::move(org)), believed_(stream.belief_.find(org_)) {}

  std::vector<uint8_t> make(Time now, size_t org_index) {
    // Now and then again, in case the first one was lost on its way.
    Command type = Command::CreateOrganization;
    if (believed_ != nullptr && !chance(1)) type = choose_command();
    const std::string actor = choose_actor(type);
    const auto command = believed_ == nullptr || type == Command::CreateOrganization
                             ? create_organization(org_index)
                             : build(type, now);
    const std::string id = numbered("c", stream_.seed_) + "-" + std::to_string(stream_.made_);
    flatbuffers::Optional<uint64_t> expected;
    if (believed_ != nullptr && chance(4)) expected = believed_->version - (chance(25) ? 1 : 0);
    builder_.Finish(schema::CreateCommandEnvelopeDirect(builder_, id.c_str(), org_.c_str(),
                                                        actor.c_str(), type, command, expected),
                    schema::CommandEnvelopeIdentifier());
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  uint64_t below(uint64_t end) { return stream_.random_() % end; }
  bool chance(uint64_t percent) { return below(100) < percent; }

  // One of prefix0, prefix1, ... for which `good` holds, if there is one and luck wants it.
  template <class Good>
  std::string pick(const char* prefix, size_t count, Good&& good) {
    const size_t start = below(count);
    if (!chance(8)) {
      for (size_t i = 0; i < count; ++i) {
        std::string id = numbered(prefix, (start + i) % count);
        if (good(id)) return id;
      }
    }
    return numbered(prefix, start);
  }
  template <class Good>
  std::string user(Good&& good) {
    return pick("u", stream_.options_.users, good);
  }
  std::string member() {
    return user([&](const std::string& id) { return believed_->members.contains(id); });
  }
  std::string group(bool existing) {
    return pick("g", stream_.options_.groups,
                [&](const std::string& id) { return believed_->groups.contains(id) == existing; });
  }
  std::string space(bool existing) {
    return pick("s", stream_.options_.spaces,
                [&](const std::string& id) { return believed_->spaces.contains(id) == existing; });
  }
  const Space* believed_space(const std::string& id) const {
    const auto found = believed_->spaces.find(id);
    return found == believed_->spaces.end() ? nullptr : &found->second;
  }

  template <class Items>
  std::string name_of(const Items& items) {
    return items.empty() || chance(1) ? "nonsense" : items[below(items.size())].name;
  }
  std::string role() { return name_of(believed_->rulebook->organization_roles); }
  std::string space_role() { return name_of(believed_->rulebook->space_roles); }

  // A command by weight; one that has nothing to work on only seldom.
  Command choose_command() {
    Command command = weighted_command();
    for (int i = 0; i < 4 && is_pointless(command) && !chance(5); ++i) command = weighted_command();
    return command;
  }

  Command weighted_command() {
    int total = 0;
    for (const Weight& weight : kWeights) total += weight.weight;
    int left = static_cast<int>(below(static_cast<uint64_t>(total)));
    for (const Weight& weight : kWeights) {
      if (left < weight.weight) return weight.command;
      left -= weight.weight;
    }
    return Command::AddMember;
  }

  bool is_pointless(Command command) const {
    if (command == Command::GrantAccess || command == Command::ChangeAccess ||
        command == Command::RevokeAccess) {
      return believed_->rulebook->space_roles.empty();
    }
    if (command == Command::ConfirmPayment || command == Command::FailPayment) {
      return believed_->due.empty();
    }
    if (command == Command::AddMember) {
      return believed_->members.size() == stream_.options_.users;
    }
    if (command == Command::LeaveOrganization) return !believed_->rulebook->members_may_leave;
    if (command == Command::CreateGroup) {
      return believed_->groups.size() == stream_.options_.groups;
    }
    return command == Command::CreateSpace && believed_->spaces.size() == stream_.options_.spaces;
  }

  std::string choose_actor(Command type) {
    const bool for_services = type == Command::RecordUsage || type == Command::ConfirmPayment ||
                              type == Command::FailPayment;
    if (for_services && !chance(5)) return "service:admin";
    if (chance(2)) return "service:other";
    if (believed_ == nullptr || chance(20))
      return "user:" + user([](const std::string&) { return true; });
    return "user:" + user([&](const std::string& id) {
             const auto found = believed_->members.find(id);
             return found != believed_->members.end() &&
                    found->second.role == believed_->rulebook->owner_role;
           });
  }

  flatbuffers::Offset<void> create_organization(size_t org_index) {
    const auto& rulebooks = stream_.options_.rulebooks;
    const std::string& rulebook = rulebooks[org_index % rulebooks.size()];
    const char* billing_mode = org_index % 4 == 3 ? "consolidated" : "per_space";
    return schema::CreateCreateOrganizationDirect(builder_, "Organization", rulebook.c_str(), "u0",
                                                  billing_mode)
        .Union();
  }

  flatbuffers::Offset<void> build(Command type, Time now);
  flatbuffers::Offset<void> build_member(Command type);
  flatbuffers::Offset<void> build_group(Command type);
  flatbuffers::Offset<void> build_space(Command type);
  flatbuffers::Offset<void> build_access(Command type);
  flatbuffers::Offset<void> build_resource(Command type);
  flatbuffers::Offset<void> build_usage(Time now);
  flatbuffers::Offset<void> build_payment(Command type);

  RandomCommands& stream_;
  std::string org_;
  const Organization* believed_;  // null before it is created
  FlatBufferBuilder builder_;
};

flatbuffers::Offset<void> RandomCommands::Maker::build(Command type, Time now) {
  switch (type) {
    case Command::AddMember:
    case Command::ChangeRole:
    case Command::RemoveMember:
    case Command::LeaveOrganization:
    case Command::TransferOwnership:
      return build_member(type);
    case Command::CreateGroup:
    case Command::DeleteGroup:
    case Command::AddToGroup:
    case Command::RemoveFromGroup:
      return build_group(type);
    case Command::CreateSpace:
    case Command::RenameSpace:
    case Command::UpgradePlan:
      return build_space(type);
    case Command::GrantAccess:
    case Command::ChangeAccess:
    case Command::RevokeAccess:
      return build_access(type);
    case Command::CreateResource:
    case Command::DeleteResource:
      return build_resource(type);
    case Command::RecordUsage:
      return build_usage(now);
    case Command::ConfirmPayment:
    case Command::FailPayment:
      return build_payment(type);
    case Command::CreateOrganization:
    case Command::ExpireCheckout:
    case Command::UnreadableMessage:
    case Command::NONE:
      break;
  }
  CHECK(!"not among the weights");
  return 0;
}

flatbuffers::Offset<void> RandomCommands::Maker::build_member(Command type) {
  if (type == Command::LeaveOrganization) return schema::CreateLeaveOrganization(builder_).Union();
  if (type == Command::AddMember) {
    const std::string newcomer =
        user([&](const std::string& id) { return !believed_->members.contains(id); });
    if (believed_->rulebook->space_roles.empty() || !chance(30)) {
      return schema::CreateAddMemberDirect(builder_, newcomer.c_str(), role().c_str()).Union();
    }
    const std::vector<flatbuffers::Offset<flatbuffers::String>> roles = {
        builder_.CreateString(space_role())};
    const std::string id = space(true);
    return schema::CreateAddMemberDirect(builder_, newcomer.c_str(), role().c_str(), 0, 0,
                                         id.c_str(), &roles)
        .Union();
  }
  const std::string target = member();
  if (type == Command::ChangeRole) {
    return schema::CreateChangeRoleDirect(builder_, target.c_str(), role().c_str()).Union();
  }
  if (type == Command::RemoveMember) {
    return schema::CreateRemoveMemberDirect(builder_, target.c_str()).Union();
  }
  return schema::CreateTransferOwnershipDirect(builder_, target.c_str()).Union();
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
  const std::string id = type == Command::UpgradePlan
                             ? pick("s", stream_.options_.spaces,
                                    [&](const std::string& s) {
                                      const Space* found = believed_space(s);
                                      return found != nullptr && found->subscription.status ==
                                                                     SubscriptionStatus::kFree;
                                    })
                             : space(type != Command::CreateSpace);
  if (type == Command::CreateSpace) {
    constexpr const char* kPlans[] = {nullptr, "free", "free", "basic", "scale"};
    return schema::CreateCreateSpaceDirect(builder_, id.c_str(), "Space", kPlans[below(5)]).Union();
  }
  if (type == Command::RenameSpace) {
    const std::string name = numbered("Space ", below(5));
    return schema::CreateRenameSpaceDirect(builder_, id.c_str(), name.c_str()).Union();
  }
  constexpr const char* kPlans[] = {"basic", "pro", "scale", "basic-yearly", "free", "gold"};
  return schema::CreateUpgradePlanDirect(builder_, id.c_str(), kPlans[below(6)]).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_access(Command type) {
  const std::string id = space(true);
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
  const std::vector<flatbuffers::Offset<flatbuffers::String>> roles = {
      builder_.CreateString(space_role())};
  if (type == Command::GrantAccess) {
    return schema::CreateGrantAccessDirect(builder_, id.c_str(), subject.c_str(), &roles).Union();
  }
  return schema::CreateChangeAccessDirect(builder_, id.c_str(), subject.c_str(), &roles).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_resource(Command type) {
  const std::string id = space(true);
  const Space* found = believed_space(id);
  const auto lives = [&](const std::string& resource) {
    if (found == nullptr) return false;
    const auto there = found->resources.find(resource);
    return there != found->resources.end() && !there->second.deleted;
  };
  const bool create = type == Command::CreateResource;
  const std::string resource = pick("r", stream_.options_.resources,
                                    [&](const std::string& r) { return lives(r) != create; });
  if (!create) {
    return schema::CreateDeleteResourceDirect(builder_, id.c_str(), resource.c_str()).Union();
  }
  std::vector<flatbuffers::Offset<flatbuffers::String>> links;
  if (chance(25)) {
    links.push_back(builder_.CreateString(pick("r", stream_.options_.resources, lives)));
  }
  return schema::CreateCreateResourceDirect(builder_, id.c_str(),
                                            name_of(believed_->rulebook->resource_types).c_str(),
                                            resource.c_str(), "Resource", &links)
      .Union();
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
  return schema::CreateRecordUsageDirect(builder_, space(true).c_str(), &entries).Union();
}

flatbuffers::Offset<void> RandomCommands::Maker::build_payment(Command type) {
  std::string checkout = "none";
  if (!believed_->due.empty()) checkout = believed_->due.begin()->id;
  if (type == Command::ConfirmPayment) {
    return schema::CreateConfirmPaymentDirect(builder_, checkout.c_str()).Union();
  }
  return schema::CreateFailPaymentDirect(builder_, checkout.c_str()).Union();
}

RandomCommands::RandomCommands(uint64_t seed, RandomCommandOptions options)
    : random_(seed), options_(std::move(options)), seed_(seed) {}

std::vector<uint8_t> RandomCommands::next(Time now) {
  ++made_;
  const size_t org = random_() % options_.organizations;
  std::vector<uint8_t> command = Maker(*this, numbered("org", org)).make(now, org);
  belief_.apply(command, now);
  return command;
}

}  // namespace tenure
