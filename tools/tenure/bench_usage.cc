#include "tools/tenure/bench_usage.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "engine/domain/calendar.h"
#include "engine/log/segment_probe.h"
#include "tools/tenure/bench_engine_run.h"

namespace tenure {
namespace {

constexpr size_t kInFlight = 1024;
constexpr size_t kProbeBatch = 1u << 20;
constexpr size_t kEntries[] = {1, 10, 100};  // a command
constexpr uint32_t kSandboxes = 1'000, kSpaces = 100;
constexpr std::string_view kOwner = "user:owner", kMeter = "service:admin";

// Setting up, in pieces that bound the memory of commands built ahead.
class Feed {
 public:
  explicit Feed(EngineHost& host) : host_(host) {}

  template <class Table>
  Result<void> add(std::string_view org, std::string_view actor,
                   flatbuffers::Offset<Table> command) {
    add_command(builder_, commands_, next_id(), org, actor, command);
    return commands_.size() < 50'000 ? Result<void>() : run();
  }
  flatbuffers::FlatBufferBuilder& builder() { return builder_; }
  std::string next_id() { return bench_id(1, next_++); }
  std::string last_id() const { return bench_id(1, next_ - 1); }

  Result<void> run() {
    auto ran = TRY(run_engine(host_, commands_, 0, commands_.size(), 8192, false));
    commands_ = {};
    if (ran.rejected == 0) return {};
    return fail(ErrorKind::kInvalid, "the bench's own commands were refused");
  }

 private:
  EngineHost& host_;
  CommandArena commands_;
  flatbuffers::FlatBufferBuilder builder_;
  uint64_t next_ = 1;
};

std::string company(uint64_t i) { return fmt::format("org-{:05}", i); }

CommandArena usage_commands(const BenchOptions& options, size_t commands, size_t entries,
                            uint64_t& used) {
  CommandArena out;
  flatbuffers::FlatBufferBuilder b;
  for (size_t i = 0; i < commands; ++i) {
    std::vector<flatbuffers::Offset<schema::UsageEntry>> batch;
    for (size_t k = 0; k < entries; ++k) {
      const std::string id = fmt::format("request-{:012}", used++);
      batch.push_back(
          schema::CreateUsageEntryDirect(b, "gateway", id.c_str(), "api_requests", 1 + used % 100));
    }
    add_command(b, out, bench_id(2, used), company(i % options.organizations), kMeter,
                schema::CreateRecordUsageDirect(b, "main", &batch));
  }
  return out;
}

Result<void> measure_usage(const BenchOptions& options, EngineHost& host) {
  BenchWorkload workload(options.organizations, 7);
  CommandArena setup;
  workload.add_setup(setup);
  TRY(run_engine(host, setup, 0, setup.size(), 8192, false));
  uint64_t used = 0;
  for (const size_t entries : kEntries) {
    const size_t count = options.commands / 20 / (entries > 10 ? 5 : 1);
    const CommandArena commands = usage_commands(options, count, entries, used);
    auto run = TRY(run_engine(host, commands, 0, count, kInFlight, false));
    if (run.rejected > 0) return fail(ErrorKind::kInvalid, "the bench's own usage was refused");
    const auto per_command = static_cast<double>(entries);
    const size_t bytes = run.decision_bytes / count;
    const auto writer = TRY(probe_writer(options.directory, bytes, kProbeBatch));
    const PartitionStats stats = host.stats().partition;
    BenchRow row;
    row.bench = fmt::format("usage/{}-entries", entries);
    row.per_s = static_cast<double>(count) * per_command / run.seconds;
    row.probe = "raw segment writer";
    row.probe_per_s = writer.records_per_second() * per_command;
    row.latencies = Latencies::of(run.latencies_ns);
    row.more = {{"entries_counted", static_cast<double>(used)},
                {"bytes_per_entry", static_cast<double>(bytes) / per_command},
                {"organizations_mb", static_cast<double>(stats.organizations_memory) / (1u << 20)},
                {"commands_known", static_cast<double>(stats.used_ids)}};
    print_bench_row(row, options.json);
  }
  return {};
}

std::string sandbox(uint32_t i) { return fmt::format("sandbox-{:04}", i); }

// Every space on a paid plan. The clock of a sandbox stands still, so the periods of its spaces end
// in the same moment; all sandboxes are made within seconds.
Result<void> make_sandboxes(Feed& feed) {
  flatbuffers::FlatBufferBuilder& b = feed.builder();
  for (uint32_t i = 0; i < kSandboxes; ++i) {
    const std::string org = sandbox(i);
    TRY(feed.add(org, kOwner,
                 schema::CreateCreateOrganizationDirect(b, "Company", "space", nullptr, nullptr,
                                                        nullptr, true)));
    uint64_t version = 1;
    for (uint32_t k = 0; k < kSpaces; ++k) {
      const std::string space = fmt::format("space-{:03}", k);
      TRY(feed.add(org, kOwner,
                   schema::CreateCreateSpaceDirect(b, space.c_str(), "Space", "free")));
      TRY(feed.add(org, kOwner, schema::CreateUpgradePlanDirect(b, space.c_str(), "basic", true)));
      version += 2;
      const std::string checkout = fmt::format("{}-{}", version, feed.last_id());
      TRY(feed.add(org, kMeter, schema::CreateConfirmPaymentDirect(b, checkout.c_str())));
      ++version;
    }
  }
  return feed.run();
}

// Moves all sandboxes there: what is due by then is decided before each is answered.
Result<BenchRow> advance_all(EngineHost& host, Feed& feed, std::string_view name, Time to) {
  const uint64_t before = host.stats().durable;
  CommandArena commands;
  for (uint32_t i = 0; i < kSandboxes; ++i) {
    add_command(feed.builder(), commands, feed.next_id(), sandbox(i), kOwner,
                schema::CreateAdvanceClock(feed.builder(), to_micros(to)));
  }
  auto run = TRY(run_engine(host, commands, 0, kSandboxes, kSandboxes, false));
  if (run.rejected > 0) return fail(ErrorKind::kInvalid, "a sandbox's clock was not moved");
  const auto due = static_cast<double>(host.stats().durable - before - kSandboxes);
  BenchRow row;
  row.bench = name;
  row.per_s = due / run.seconds;
  row.more = {{"seconds", run.seconds}, {"due_decisions", due}};
  return row;
}

Result<void> measure_periods(const BenchOptions& options, EngineHost& host) {
  Feed feed(host);
  TRY(make_sandboxes(feed));
  const Time now = SystemClock().now();
  const Time closed = period_end(now, 1, now);
  for (const auto& [name, to] : {std::pair("periods/closed", closed),
                                 std::pair("periods/invoiced", closed + std::chrono::hours(1))}) {
    print_bench_row(TRY(advance_all(host, feed, name, to)), options.json);
  }
  return {};
}

}  // namespace

Result<void> bench_usage(const BenchOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  HostOptions host_options;
  host_options.data_directory = options.directory + "/data";
  host_options.follow = false;
  auto host = TRY(EngineHost::open(host_options));
  TRY(measure_usage(options, *host));
  TRY(measure_periods(options, *host));
  return host->close();
}

}  // namespace tenure
