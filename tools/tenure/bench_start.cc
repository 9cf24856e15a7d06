#include "tools/tenure/bench_start.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "tools/tenure/bench_engine_run.h"

namespace tenure {
namespace {

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

Result<void> write_decisions(const BenchOptions& options, const std::string& directory) {
  HostOptions host_options;
  host_options.data_directory = directory;
  host_options.follow = false;
  auto host = TRY(EngineHost::open(host_options));
  TRY(run_mix(*host, options.organizations, options.commands));
  (void)::raise(SIGKILL);  // nothing gets to clean up: not this host either
  return {};
}

// Has another process write them, which kills itself once the last one is answered. No thread runs
// here yet, so it may be a fork.
Result<void> write_decisions_and_be_killed(const BenchOptions& options,
                                           const std::string& directory) {
  const pid_t writer = ::fork();
  if (writer < 0) return fail(ErrorKind::kIo, "cannot start a process that writes");
  if (writer == 0) {
    const Result<void> written = write_decisions(options, directory);
    std::fprintf(stderr, "tenure: %s\n", written.error().message.c_str());
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(writer, &status, 0);
  if (!WIFSIGNALED(status)) return fail(ErrorKind::kIo, "the process that writes did not finish");
  return {};
}

}  // namespace

Result<void> bench_start(const BenchOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  const std::string directory = options.directory + "/killed";
  TRY(write_decisions_and_be_killed(options, directory));
  const double empty = TRY(start(options.directory + "/empty")).seconds;
  for (const std::string_view after : {"kill", "stop"}) {  // the first start ends by a clean stop
    const Start measured = TRY(start(directory));
    BenchRow row;
    row.bench = fmt::format("start/after_{}", after);
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
