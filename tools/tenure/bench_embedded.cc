#include "tools/tenure/bench_embedded.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/domain/evolve.h"
#include "engine/log/segment_probe.h"
#include "engine/rulebooks/builtin.h"
#include "tools/tenure/bench_engine_run.h"

namespace tenure {
namespace {

// The raw limits, measured in the same run.
struct Probe {
  double sync_us;        // one fdatasync of 4 KiB, the median
  double records_per_s;  // of the segment writer alone, with records like these
};

struct Stage {
  size_t in_flight;
  size_t share;  // 1/share of options.commands
};
constexpr size_t kPayloadBytes = 384;  // about what a decision of this mix takes
constexpr Stage kStages[] = {{1, 500}, {64, 20}, {1024, 4}, {8192, 1}};

// The commands of all stages, decided by a host of their own: with the read models following, or
// the engine alone.
Result<void> run_stages(const BenchOptions& options, bool read_models, const Probe& probe) {
  HostOptions host_options;
  host_options.data_directory =
      options.directory + (read_models ? "/with-read-models" : "/engine-only");
  host_options.follow = read_models;
  auto host = TRY(EngineHost::open(host_options));

  BenchWorkload workload(options.organizations, 7);
  CommandArena commands;
  workload.add_setup(commands);
  size_t begin = commands.size();
  TRY(run_engine(*host, commands, 0, begin, 8192, read_models));
  for (const Stage& stage : kStages) {
    size_t end = begin + options.commands / stage.share;
    workload.add_mix(commands, end - begin);
    auto run = TRY(run_engine(*host, commands, begin, end, stage.in_flight, read_models));
    double count = static_cast<double>(end - begin);
    BenchRow row;
    row.bench = fmt::format("{}/{}", read_models ? "sustained" : "engine", stage.in_flight);
    row.per_s = count / (read_models ? run.applied_seconds : run.seconds);
    row.latencies = Latencies::of(run.latencies_ns);
    if (stage.in_flight == 1) {
      row.probe = "one fdatasync at a time";
      row.probe_per_s = 1e6 / probe.sync_us;
      row.more.emplace_back("p50_over_fdatasync_p50", row.latencies.p50_us / probe.sync_us);
    } else {
      row.probe = "raw segment writer";
      row.probe_per_s = probe.records_per_s;
    }
    row.more.emplace_back("accepted_share", static_cast<double>(run.accepted) / count);
    row.more.emplace_back("bytes_per_decision", static_cast<double>(run.decision_bytes) / count);
    print_bench_row(row, options.json);
    begin = end;
  }
  return host->close();
}

// Bytes of this process that are in memory.
size_t resident_bytes() {
  size_t whole = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> whole >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// What a million members cost in memory, whatever the allocator takes for itself included. The
// first thing that is measured: later, memory that was freed would be used again and not seen.
Result<void> measure_member_memory(const BenchOptions& options) {
  constexpr uint32_t kMembers = 1'000'000;
  auto rulebooks = TRY(builtin_rulebooks());
  Organization organization;
  organization.id = OrgId("acme");
  flatbuffers::FlatBufferBuilder builder;
  auto apply = [&]<class Table>(flatbuffers::Offset<Table> event) {
    auto box =
        schema::CreateEventBox(builder, schema::EventTraits<Table>::enum_value, event.Union());
    auto events = builder.CreateVector(&box, 1);
    auto command = builder.CreateVector(std::vector<uint8_t>(8));
    schema::DecisionBuilder decision(builder);
    decision.add_command(command);
    decision.add_events(events);
    builder.Finish(decision.Finish());
    evolve(organization, *flatbuffers::GetRoot<schema::Decision>(builder.GetBufferPointer()), {},
           rulebooks);
    builder.Clear();
  };
  apply(schema::CreateOrganizationCreatedDirect(builder, "Acme", "space@1", "owner", "per_space",
                                                "EUR"));
  size_t before = resident_bytes();
  for (uint32_t i = 0; i < kMembers; ++i) {
    apply(schema::CreateMemberAddedDirect(builder, fmt::format("u{:07}", i).c_str(), "EVALUATOR"));
  }
  BenchRow row;
  row.bench = "memory/member";
  row.more.emplace_back("bytes_per_member_hot",
                        static_cast<double>(resident_bytes() - before) / kMembers);
  print_bench_row(row, options.json);
  return {};
}

}  // namespace

Result<void> bench_embedded(const BenchOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  TRY(measure_member_memory(options));
  auto sync = TRY(probe_sync(options.directory));
  auto writer = TRY(probe_writer(options.directory, kPayloadBytes, 1u << 20));
  Probe probe{static_cast<double>(sync.count()) / 1e3, writer.records_per_second()};
  TRY(run_stages(options, false, probe));
  return run_stages(options, true, probe);
}

}  // namespace tenure
