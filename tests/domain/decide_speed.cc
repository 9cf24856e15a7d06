// Prints what one decide + evolve costs, without log or idempotency. Prints only.
#include <chrono>
#include <cstdio>

#include "tests/domain/domain_machine.h"

namespace tenure {
namespace {

constexpr Time kNow = from_micros(1'790'000'000'000'000);
constexpr size_t kMembers = 1000;
constexpr size_t kRounds = 1'000'000;

using Command = std::vector<uint8_t>;

// An envelope of the organization `acme`, by its owner unless said otherwise.
template <class Build>
Command envelope(schema::Command type, const char* actor, Build&& build) {
  flatbuffers::FlatBufferBuilder builder;
  const flatbuffers::Offset<void> command = build(builder);
  builder.Finish(schema::CreateCommandEnvelopeDirect(
                     builder, "01936d2f-0000-7000-8000-000000000000", "acme", actor, type, command),
                 schema::CommandEnvelopeIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

Command add_member(const std::string& user) {
  return envelope(schema::Command::AddMember, "user:owner", [&](auto& builder) {
    return schema::CreateAddMemberDirect(builder, user.c_str(), "EVALUATOR").Union();
  });
}
Command change_role(const std::string& user, const char* role) {
  return envelope(schema::Command::ChangeRole, "user:owner", [&](auto& builder) {
    return schema::CreateChangeRoleDirect(builder, user.c_str(), role).Union();
  });
}
Command remove_member(const std::string& user) {
  return envelope(schema::Command::RemoveMember, "user:owner", [&](auto& builder) {
    return schema::CreateRemoveMemberDirect(builder, user.c_str()).Union();
  });
}
Command record_usage(size_t id) {
  return envelope(schema::Command::RecordUsage, "service:admin", [&](auto& builder) {
    const std::vector<flatbuffers::Offset<schema::UsageEntry>> entries = {
        schema::CreateUsageEntryDirect(builder, "gateway", std::to_string(id).c_str(),
                                       "api_requests", 1)};
    return schema::CreateRecordUsageDirect(builder, "s", &entries).Union();
  });
}

std::string user_of(size_t i) { return "user-" + std::to_string(i % kMembers); }

// Decides and evolves the commands in turn, into one builder that is kept, as a partition does.
class Bench {
 public:
  Bench() {
    organization_.id = OrgId("acme");
    run_one(envelope(schema::Command::CreateOrganization, "user:owner", [](auto& builder) {
      return schema::CreateCreateOrganizationDirect(builder, "Acme", "space").Union();
    }));
    run_one(envelope(schema::Command::CreateSpace, "user:owner", [](auto& builder) {
      return schema::CreateCreateSpaceDirect(builder, "s", "S").Union();
    }));
    for (size_t i = 0; i < kMembers; ++i) run_one(add_member(user_of(i)));
  }

  void run(const char* name, const std::vector<Command>& commands, size_t rounds) {
    const auto start = std::chrono::steady_clock::now();
    size_t accepted = 0;
    for (size_t i = 0; i < rounds; ++i) accepted += run_one(commands[i % commands.size()]);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    std::printf("%-42s %7.0f ns  (%3.0f %% accepted)\n", name, spent.count() / double(rounds),
                100.0 * double(accepted) / double(rounds));
  }

 private:
  bool run_one(const Command& command) {
    builder_.Clear();
    events_.clear();
    const Verdict verdict =
        decide(organization_.version == 0 ? nullptr : &organization_, envelope_of(command),
               {kNow, test_rulebooks(), test_catalog()}, events_);
    if (!verdict) return false;
    const auto bytes = builder_.CreateVector(command);
    const auto boxes = builder_.CreateVector(events_.boxes());
    builder_.Finish(schema::CreateDecision(builder_, bytes, to_micros(kNow),
                                           organization_.version + 1, schema::Outcome::accepted,
                                           boxes));
    evolve(organization_, *flatbuffers::GetRoot<schema::Decision>(builder_.GetBufferPointer()),
           Number{organization_.version}, test_rulebooks());
    return true;
  }

  Organization organization_;
  flatbuffers::FlatBufferBuilder builder_;
  EventSink events_{builder_};
};

void run_all() {
  Bench bench;
  std::vector<Command> changes, additions, usage, refused;
  for (const char* role : {"MANAGER", "ADMIN", "EVALUATOR"}) {
    for (size_t i = 0; i < kMembers; ++i) changes.push_back(change_role(user_of(i), role));
  }
  for (size_t i = 0; i < kMembers; ++i) {
    additions.push_back(add_member("new-" + std::to_string(i)));
    additions.push_back(remove_member("new-" + std::to_string(i)));
    refused.push_back(change_role(user_of(i), "OWNER"));
  }
  for (size_t i = 0; i < kRounds; ++i) usage.push_back(record_usage(i));
  bench.run("ChangeRole", changes, kRounds);
  bench.run("AddMember, RemoveMember", additions, kRounds);
  bench.run("RecordUsage, one new entry", usage, kRounds);
  bench.run("ChangeRole refused (role_not_assignable)", refused, kRounds);
}

}  // namespace
}  // namespace tenure

int main() { tenure::run_all(); }
