#include "tools/tenure/bench_engine_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>

#include "engine/base/check.h"
#include "schemas/decision_generated.h"

namespace tenure {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr size_t kSubmitAtOnce = 256;

uint64_t now_ns() {
  return static_cast<uint64_t>(SteadyClock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

// What replies write and the submitting thread waits on. Replies come on one thread, so plain
// counters do but for `answered`.
struct Progress {
  std::vector<uint64_t> sent_or_latency_ns;
  std::atomic<size_t> answered = 0, wanted = 0;
  uint64_t accepted = 0, rejected = 0, lost = 0, decision_bytes = 0;
  Number last{};

  void answer(size_t index, const Answer& answer) {
    sent_or_latency_ns[index] = now_ns() - sent_or_latency_ns[index];
    if (answer.kind != Answer::Kind::kDecided) {
      ++lost;
    } else {
      const auto* decision = flatbuffers::GetRoot<schema::Decision>(answer.decision.data());
      ++(decision->outcome() == schema::Outcome::accepted ? accepted : rejected);
      decision_bytes += answer.decision.size();
      last = answer.position.number;
    }
    if (answered.fetch_add(1) + 1 >= wanted.load()) answered.notify_one();
  }

  // Sleeps until `count` are answered. Only the answer that reaches it wakes: a wake-up is a system
  // call.
  void wait_for(size_t count) {
    wanted.store(count);
    for (size_t seen; (seen = answered.load()) < count;) answered.wait(seen);
  }
};

}  // namespace

Result<EngineRun> run_engine(EngineHost& host, const CommandArena& commands, size_t begin,
                             size_t end, size_t in_flight, bool wait_applied) {
  const size_t count = end - begin;
  Progress progress;
  progress.sent_or_latency_ns.resize(count);
  size_t at_once = std::clamp<size_t>(in_flight / 4, 1, kSubmitAtOnce);

  auto start = SteadyClock::now();
  std::vector<EngineHost::Submission> batch;
  for (size_t sent = 0; sent < count;) {
    size_t chunk = std::min(at_once, count - sent);
    if (sent + chunk > in_flight) progress.wait_for(sent + chunk - in_flight);
    for (size_t i = 0; i < chunk; ++i, ++sent) {
      auto command = verify_command(commands[begin + sent]);
      CHECK(command.has_value());
      progress.sent_or_latency_ns[sent] = now_ns();
      batch.push_back({*std::move(command),
                       [&progress, sent](const Answer& answer) { progress.answer(sent, answer); }});
    }
    host.submit(batch);
    batch.clear();
  }
  progress.wait_for(count);
  EngineRun run;
  run.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  if (progress.lost > 0) {
    return fail(ErrorKind::kUnavailable, std::to_string(progress.lost) +
                                             " commands were not decided: the engine refused them");
  }
  if (wait_applied && !host.wait_applied({{}, progress.last}, std::chrono::minutes(10))) {
    return fail(ErrorKind::kUnavailable, "the read models did not catch up within 10 minutes");
  }
  run.applied_seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  run.accepted = progress.accepted;
  run.rejected = progress.rejected;
  run.decision_bytes = progress.decision_bytes;
  run.latencies_ns = std::move(progress.sent_or_latency_ns);
  return run;
}

Result<void> run_mix(EngineHost& host, uint32_t organizations, size_t commands) {
  constexpr size_t kAtOnce = 500'000;
  BenchWorkload workload(organizations, 7);
  for (size_t done = 0; done < commands;) {
    CommandArena arena;
    if (done == 0) workload.add_setup(arena);
    workload.add_mix(arena, std::min(kAtOnce, commands - done));
    TRY(run_engine(host, arena, 0, arena.size(), 8192, false));
    done += arena.size();
  }
  return {};
}

Result<void> write_mix(const BenchOptions& options, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  HostOptions host_options;
  host_options.data_directory = directory;
  host_options.follow = false;
  auto host = TRY(EngineHost::open(host_options));
  TRY(run_mix(*host, options.organizations, options.commands));
  return host->close();
}

}  // namespace tenure
