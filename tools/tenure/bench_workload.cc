#include "tools/tenure/bench_workload.h"

#include <fmt/format.h>

#include <array>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr std::array<const char*, 3> kRoles = {"ADMIN", "MANAGER", "EVALUATOR"};
constexpr std::string_view kOwner = "user:owner";

std::string org_name(uint32_t number) { return fmt::format("org-{:05}", number); }
std::string user_name(uint32_t number) { return fmt::format("u{:06}", number); }

}  // namespace

std::span<const uint8_t> CommandArena::operator[](size_t i) const {
  return {bytes_.data() + places_[i].first, places_[i].second};
}

void CommandArena::add(std::span<const uint8_t> command) {
  bytes_.resize((bytes_.size() + 7) & ~size_t{7});  // FlatBuffers are read in place
  places_.emplace_back(bytes_.size(), command.size());
  bytes_.insert(bytes_.end(), command.begin(), command.end());
}

BenchWorkload::BenchWorkload(uint32_t organizations, uint64_t seed)
    : organizations_(organizations),
      random_(seed),
      companies_(organizations),
      id_high_(random_()) {}

std::string bench_id(uint64_t high, uint64_t low) {
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", (high >> 32) & 0xffffffff,
                     (high >> 16) & 0xffff, high & 0xfff, (low >> 48) & 0xfff,
                     low & 0xffffffffffff);
}

std::string BenchWorkload::next_id() { return bench_id(id_high_, ++id_low_); }

void BenchWorkload::add_setup(CommandArena& out) {
  flatbuffers::FlatBufferBuilder builder;
  for (uint32_t i = 0; i < organizations_; ++i) {
    auto org = org_name(i);
    add_command(builder, out, next_id(), org, kOwner,
                schema::CreateCreateOrganizationDirect(builder, "Company", "space"));
    add_command(builder, out, next_id(), org, kOwner,
                schema::CreateCreateSpaceDirect(builder, "main", "Main"));
  }
}

void BenchWorkload::add_mix(CommandArena& out, size_t commands) {
  flatbuffers::FlatBufferBuilder builder;
  for (size_t i = 0; i < commands; ++i) {
    auto number = static_cast<uint32_t>(random_() % organizations_);
    auto& company = companies_[number];
    auto org = org_name(number);
    auto id = next_id();
    uint64_t dice = random_() % 100;
    if (dice >= 40 && dice < 65 && company.members.empty()) dice = 0;
    if (dice < 40) {
      auto role = static_cast<uint8_t>(random_() % kRoles.size());
      company.members.emplace_back(company.next_user, role);
      auto user = user_name(company.next_user++);
      add_command(builder, out, id, org, kOwner,
                  schema::CreateAddMemberDirect(builder, user.c_str(), kRoles[role]));
    } else if (dice < 60) {
      auto& member = company.members[random_() % company.members.size()];
      member.second = static_cast<uint8_t>((member.second + 1) % kRoles.size());
      add_command(builder, out, id, org, kOwner,
                  schema::CreateChangeRoleDirect(builder, user_name(member.first).c_str(),
                                                 kRoles[member.second]));
    } else if (dice < 65) {
      auto& member = company.members[random_() % company.members.size()];
      std::swap(member, company.members.back());
      add_command(builder, out, id, org, kOwner,
                  schema::CreateRemoveMemberDirect(
                      builder, user_name(company.members.back().first).c_str()));
      company.members.pop_back();
    } else if (dice < 95) {
      std::vector<flatbuffers::Offset<schema::UsageEntry>> entries = {
          schema::CreateUsageEntryDirect(builder, "gateway", id.c_str(), "api_requests",
                                         1 + random_() % 100)};
      add_command(builder, out, id, org, "service:admin",
                  schema::CreateRecordUsageDirect(builder, "main", &entries));
    } else {
      add_command(
          builder, out, id, org, kOwner,
          schema::CreateUpgradePlanDirect(builder, "main", random_() % 2 ? "basic" : "pro"));
    }
  }
}

std::string BenchWorkload::to_json(std::span<const uint8_t> command) {
  std::string out;
  write_json(command_schema(), "CommandEnvelope",
             flatbuffers::GetRoot<schema::CommandEnvelope>(command.data()), out);
  return out;
}

}  // namespace tenure
