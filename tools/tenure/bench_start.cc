#include "tools/tenure/bench_start.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "tools/tenure/bench_engine_run.h"

namespace tenure {
namespace {

constexpr size_t kAtOnce =
    500'000;  // commands built ahead of the run, to bound the memory they take

struct Start {
  double seconds = 0;
  PartitionStats partition;
};

Result<Start> start(const std::string& directory) {
  HostOptions options;
  options.data_directory = directory;
  options.follow = false;
  const auto begin = std::chrono::steady_clock::now();
  auto host = TRY(EngineHost::open(options));
  Start measured{
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
      .partition = host->stats().partition};
  TRY(host->close());
  return measured;
}

// Copies what is on disk while the engine still runs: what a kill would leave.
Result<void> write_decisions(const BenchOptions& options, const std::string& directory,
                             const std::string& killed) {
  HostOptions host_options;
  host_options.data_directory = directory;
  host_options.follow = false;
  auto host = TRY(EngineHost::open(host_options));
  BenchWorkload workload(options.organizations, 7);
  for (size_t done = 0; done < options.commands;) {
    CommandArena commands;
    if (done == 0) workload.add_setup(commands);
    workload.add_mix(commands, std::min(kAtOnce, options.commands - done));
    TRY(run_engine(*host, commands, 0, commands.size(), 8192, false));
    done += commands.size();
  }
  std::error_code error;
  std::filesystem::copy(directory, killed, std::filesystem::copy_options::recursive, error);
  if (error) return fail(ErrorKind::kIo, "cannot copy " + directory + ": " + error.message());
  return host->close();
}

}  // namespace

Result<void> bench_start(const BenchOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  std::string stopped = options.directory + "/stopped", killed = options.directory + "/killed";
  TRY(write_decisions(options, stopped, killed));
  const double empty = TRY(start(options.directory + "/empty")).seconds;
  for (const auto& [name, directory] :
       {std::pair("stopped", stopped), std::pair("killed", killed)}) {
    const Start measured = TRY(start(directory));
    BenchRow row;
    row.bench = fmt::format("start/{}", name);
    row.per_s = 1 / measured.seconds;
    row.probe = "start of an empty log";
    row.probe_per_s = 1 / empty;
    row.more = {{"seconds", measured.seconds},
                {"decisions", static_cast<double>(options.commands)},
                {"state_store_seconds", measured.partition.open_seconds},
                {"tail_seconds", measured.partition.replay_seconds},
                {"tail_decisions", static_cast<double>(measured.partition.replayed)}};
    print_bench_row(row, options.json);
  }
  return {};
}

}  // namespace tenure
