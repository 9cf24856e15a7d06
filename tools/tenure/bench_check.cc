#include "tools/tenure/bench_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "projections/key_layout.h"
#include "tools/tenure/bench_engine_run.h"
#include "tools/tenure/load_client.h"
#include "tools/tenure/server_process.h"

namespace tenure {
namespace {

constexpr uint32_t kGroups = 100, kSpacesOfAGroup = 4;
constexpr size_t kChecks = 200'000;
constexpr size_t kRequests = 20'000;  // over HTTP
constexpr double kSeconds = 1, kTurnSeconds = 0.02, kForEver = 3600;
constexpr int kConnections[] = {1, 32};
constexpr std::string_view kOwner = "user:root";
constexpr std::string_view kKey = "bench-key-that-only-this-run-knows";
constexpr std::string_view kAction = "resource.create:job";

std::string user(uint64_t i) { return fmt::format("u{:06}", i); }
std::string space(uint64_t i) { return fmt::format("space-{:05}", i); }
std::string group(uint64_t i) { return fmt::format("group-{:03}", i); }

// How large an organization is.
struct Size {
  uint32_t members, spaces;
  std::string org() const { return fmt::format("org-{}-{}", members, spaces); }
  std::string name() const { return fmt::format("{}-members-{}-spaces", members, spaces); }
  // Whose question a random number is, and about which space.
  std::string who(uint64_t dice) const { return user(dice % members); }
  std::string where(uint64_t dice) const { return space(dice / members % spaces); }
};
constexpr uint32_t kMembers[] = {1'000, 10'000, 100'000};
constexpr uint32_t kSpaces[] = {1, 100, 10'000};

// An anaphora organization: everybody in one group and with one direct grant, every group in some
// spaces.
CommandArena make_organization(const Size& size) {
  CommandArena out;
  flatbuffers::FlatBufferBuilder b;
  const std::string org = size.org();
  const uint64_t high = uint64_t{size.members} << 32 | size.spaces;
  uint64_t low = 0;
  auto add = [&](auto command) {
    add_command(b, out, bench_id(high, ++low), org, kOwner, command);
  };
  auto grant = [&](uint64_t to, const std::string& subject, const char* role) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> roles = {b.CreateString(role)};
    add(schema::CreateGrantAccessDirect(b, space(to).c_str(), subject.c_str(), &roles));
  };
  add(schema::CreateCreateOrganizationDirect(b, "Company", "anaphora"));
  for (uint32_t i = 0; i < size.spaces; ++i) {
    add(schema::CreateCreateSpaceDirect(b, space(i).c_str(), "Space"));
  }
  for (uint32_t i = 0; i < kGroups; ++i) {
    add(schema::CreateCreateGroupDirect(b, group(i).c_str(), "Group"));
    for (uint32_t k = 0; k < std::min(kSpacesOfAGroup, size.spaces); ++k) {
      grant((i * 7 + k * 31) % size.spaces, "group:" + group(i), "ReadWrite");
    }
  }
  for (uint32_t i = 0; i < size.members; ++i) {
    add(schema::CreateAddMemberDirect(b, user(i).c_str(), "USER"));
    add(schema::CreateAddToGroupDirect(b, group(i % kGroups).c_str(), user(i).c_str()));
    grant(i % size.spaces, "user:" + user(i), "Readonly");
  }
  return out;
}

// Calls `ask(dice)` for each of `dice`; the time of each.
template <class Ask>
Result<std::vector<uint64_t>> timed(const std::vector<uint64_t>& dice, Ask ask) {
  std::vector<uint64_t> nanoseconds;
  nanoseconds.reserve(dice.size());
  for (const uint64_t each : dice) {
    auto start = std::chrono::steady_clock::now();
    (void)TRY(ask(each));
    nanoseconds.push_back(
        static_cast<uint64_t>((std::chrono::steady_clock::now() - start).count()));
  }
  return nanoseconds;
}

// Anybody about any space.
std::vector<uint64_t> random_dice() {
  std::mt19937_64 random(11);
  std::vector<uint64_t> dice(kChecks);
  for (uint64_t& each : dice) each = random();
  return dice;
}

// Each member once, in no order, about any space.
std::vector<uint64_t> dice_of_each_member(const Size& size) {
  std::mt19937_64 random(12);
  std::vector<uint64_t> dice(size.members);
  for (uint32_t i = 0; i < size.members; ++i) dice[i] = (random() >> 20) * size.members + i;
  std::ranges::shuffle(dice, random);
  return dice;
}

double per_second(const std::vector<uint64_t>& nanoseconds) {
  double sum = 0;
  for (uint64_t spent : nanoseconds) sum += static_cast<double>(spent);
  return static_cast<double>(nanoseconds.size()) * 1e9 / sum;
}

// `smallest_us`: the median of the smallest organization at work, which the others are measured by.
Result<void> measure_in_process(EngineHost& host, const Size& size, double& smallest_us,
                                bool json) {
  const std::string org = size.org();
  auto commands = make_organization(size);
  auto run = TRY(run_engine(host, commands, 0, commands.size(), 8192, true));
  if (run.rejected > 0)
    return fail(ErrorKind::kInvalid, "the bench's own organization was refused");

  auto rows = host.view();
  QueryContext context{.rows = *rows, .rulebooks = host.rulebooks(), .viewer = {}, .now = {}};
  uint64_t allowed = 0;
  auto ask = [&](uint64_t dice) -> Result<bool> {
    const std::string who = size.who(dice), where = size.where(dice);
    auto answer = TRY(check(context, {org, where, who, kAction, {}}));
    allowed += answer.allowed;
    return answer.allowed;
  };
  // A row of each member that a check does not read: the probe must not have kept any that it does.
  Row row;
  Keys keys(org);
  auto look_up = [&](uint64_t dice) {
    const uint64_t member = dice % size.members;
    const Key& key = keys.access(space(member % size.spaces), "user:" + user(member));
    return rows->get(Family::kMembership, key, row);
  };
  auto measure = [&](bool at_work, const std::vector<uint64_t>& dice) -> Result<void> {
    allowed = 0;
    const auto bare = TRY(timed(dice, look_up));
    auto checks = TRY(timed(dice, ask));
    BenchRow figures;
    figures.bench = "check/" + size.name() + (at_work ? "" : "/cold");
    figures.per_s = per_second(checks);
    figures.probe = "one row look-up";
    figures.probe_per_s = per_second(bare);
    figures.latencies = Latencies::of(checks);
    figures.more.emplace_back("allowed_share",
                              static_cast<double>(allowed) / static_cast<double>(dice.size()));
    if (at_work) {
      if (smallest_us == 0) smallest_us = figures.latencies.p50_us;
      figures.more.emplace_back("times_smallest", figures.latencies.p50_us / smallest_us);
    }
    print_bench_row(figures, json);
    return {};
  };
  // The rows of nobody are kept yet; then those of all are, as of a process at its work.
  TRY(measure(false, dice_of_each_member(size)));
  return measure(true, random_dice());
}

std::vector<std::string> make_requests(const Size& size) {
  std::mt19937_64 random(13);
  std::vector<std::string> requests(kRequests);
  for (std::string& request : requests) {
    const uint64_t dice = random();
    const std::string body = fmt::format(R"({{"org":"{}","space":"{}","user":"{}","action":"{}"}})",
                                         size.org(), size.where(dice), size.who(dice), kAction);
    request = fmt::format(
        "POST /v1/check HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        kKey, body.size(), body);
  }
  return requests;
}

// A row and its probe in turns of `kTurnSeconds` on the same connections: how fast a round trip is
// depends most on which processors the kernel has the two threads on, and that changes.
Result<void> measure_beside_hello(std::string name, uint16_t port, int connections, double seconds,
                                  const NextRequest& next_request, bool json) {
  const std::string hello = hello_request(kKey);
  auto client = TRY(LoadClient::connect(port, connections));
  LoadResult probe, result;
  for (bool more = true; more && result.seconds < seconds;) {
    TRY(client.run(kTurnSeconds, [&] { return std::string_view(hello); }, probe));
    auto next = [&] {
      const std::string_view request = next_request();
      more = !request.empty();
      return request;
    };
    TRY(client.run(kTurnSeconds, next, result));
  }
  BenchRow figures;
  figures.bench = std::move(name);
  figures.per_s = result.per_second();
  figures.probe = "hello-world";
  figures.probe_per_s = probe.per_second();
  figures.latencies = Latencies::of(result.latencies_ns);
  print_bench_row(figures, json);
  return {};
}

// Of a server that has just started and has kept none of the rows; then the same questions again
// and again, as of a server at its work.
Result<void> measure_over_http(uint16_t port, const Size& size, bool json) {
  const std::vector<std::string> requests = make_requests(size);
  size_t asked = 0;
  auto once = [&] {
    return asked == requests.size() ? std::string_view() : std::string_view(requests[asked++]);
  };
  TRY(measure_beside_hello(fmt::format("check-http/{}/cold", size.name()), port, 1, kForEver, once,
                           json));
  for (const int connections : kConnections) {
    size_t at = 0;
    auto again = [&] { return std::string_view(requests[at++ % requests.size()]); };
    TRY(measure_beside_hello(fmt::format("check-http/{}/{}", size.name(), connections), port,
                             connections, kSeconds, again, json));
  }
  return {};
}

}  // namespace

Result<void> bench_check(const BenchOptions& options) {
  std::vector<Size> sizes;
  for (const uint32_t members : kMembers) {
    for (const uint32_t spaces : kSpaces) sizes.push_back({members, spaces});
  }
  HostOptions host_options;
  host_options.data_directory = options.directory;
  auto host = TRY(EngineHost::open(host_options));
  double smallest_us = 0;
  for (const Size& size : sizes) TRY(measure_in_process(*host, size, smallest_us, options.json));
  TRY(host->close());
  host.reset();
  auto server = TRY(ServerProcess::start({.data_directory = options.directory,
                                          .admin_key = std::string(kKey),
                                          .options = {},
                                          .environment = {}}));
  for (const Size& size : sizes) TRY(measure_over_http(server->port(), size, options.json));
  return {};
}

}  // namespace tenure
