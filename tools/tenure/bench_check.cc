#include "tools/tenure/bench_check.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <random>

#include "projections/key_layout.h"
#include "tools/tenure/bench_engine_run.h"

namespace tenure {
namespace {

constexpr uint32_t kGroups = 100, kSpaces = 200;
constexpr size_t kChecks = 200'000;
constexpr std::string_view kOwner = "user:root";

std::string user(uint64_t i) { return fmt::format("u{:06}", i); }
std::string space(uint64_t i) { return fmt::format("space-{:04}", i); }
std::string group(uint64_t i) { return fmt::format("group-{:03}", i); }

// An anaphora organization: everybody in one group and with one direct grant, every group in some
// spaces.
CommandArena make_organization(std::string_view org, uint32_t members) {
  CommandArena out;
  flatbuffers::FlatBufferBuilder b;
  uint64_t low = 0;
  auto add = [&](auto command) {
    add_command(b, out, bench_id(members, ++low), org, kOwner, command);
  };
  auto grant = [&](uint64_t to, const std::string& subject, const char* role) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> roles = {b.CreateString(role)};
    add(schema::CreateGrantAccessDirect(b, space(to).c_str(), subject.c_str(), &roles));
  };
  add(schema::CreateCreateOrganizationDirect(b, "Company", "anaphora"));
  for (uint32_t i = 0; i < kSpaces; ++i) {
    add(schema::CreateCreateSpaceDirect(b, space(i).c_str(), "Space"));
  }
  for (uint32_t i = 0; i < kGroups; ++i) {
    add(schema::CreateCreateGroupDirect(b, group(i).c_str(), "Group"));
    for (uint32_t k = 0; k < 4; ++k)
      grant((i * 7 + k * 31) % kSpaces, "group:" + group(i), "ReadWrite");
  }
  for (uint32_t i = 0; i < members; ++i) {
    add(schema::CreateAddMemberDirect(b, user(i).c_str(), "USER"));
    add(schema::CreateAddToGroupDirect(b, group(i % kGroups).c_str(), user(i).c_str()));
    grant(i % kSpaces, "user:" + user(i), "Readonly");
  }
  return out;
}

// Calls `ask(random number)` kChecks times; the time of each.
template <class Ask>
Result<std::vector<uint64_t>> timed(Ask ask) {
  std::mt19937_64 random(11);
  std::vector<uint64_t> nanoseconds(kChecks);
  for (auto& spent : nanoseconds) {
    uint64_t dice = random();
    auto start = std::chrono::steady_clock::now();
    (void)TRY(ask(dice));
    spent = static_cast<uint64_t>((std::chrono::steady_clock::now() - start).count());
  }
  return nanoseconds;
}

double per_second(const std::vector<uint64_t>& nanoseconds) {
  double sum = 0;
  for (uint64_t spent : nanoseconds) sum += static_cast<double>(spent);
  return static_cast<double>(nanoseconds.size()) * 1e9 / sum;
}

Result<void> measure(EngineHost& host, uint32_t members, bool json) {
  std::string org = fmt::format("org-{}", members);
  auto commands = make_organization(org, members);
  auto run = TRY(run_engine(host, commands, 0, commands.size(), 8192, true));
  if (run.rejected > 0)
    return fail(ErrorKind::kInvalid, "the bench's own organization was refused");

  auto rows = host.view();
  QueryContext context{.rows = *rows, .rulebooks = host.rulebooks(), .viewer = {}, .now = {}};
  Row row;
  Keys keys(org);
  auto bare = TRY(timed([&](uint64_t dice) {
    return rows->get(Family::kMembership, keys.member(user(dice % members)), row);
  }));
  uint64_t allowed = 0;
  auto checks = TRY(timed([&](uint64_t dice) -> Result<bool> {
    std::string who = user(dice % members), where = space(dice / members % kSpaces);
    auto answer = TRY(check(context, {org, where, who, "resource.create:job", {}}));
    allowed += answer.allowed;
    return answer.allowed;
  }));
  BenchRow figures;
  figures.bench = fmt::format("check/{}-members", members);
  figures.per_s = per_second(checks);
  figures.probe = "one row look-up";
  figures.probe_per_s = per_second(bare);
  figures.latencies = Latencies::of(checks);
  figures.more.emplace_back("allowed_share", static_cast<double>(allowed) / kChecks);
  print_bench_row(figures, json);
  return {};
}

}  // namespace

Result<void> bench_check(const BenchOptions& options) {
  HostOptions host_options;
  host_options.data_directory = options.directory;
  auto host = TRY(EngineHost::open(host_options));
  for (uint32_t members : {1'000u, 10'000u, 100'000u}) TRY(measure(*host, members, options.json));
  return host->close();
}

}  // namespace tenure
