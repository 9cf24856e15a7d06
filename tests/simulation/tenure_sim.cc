// tenure_sim --seed N | --seeds A..B  [--steps K] [--real-stores]
//
// Runs the engine under simulated worlds and prints what was survived. A seed that fails is printed
// with the command that repeats it; exit code 1 then. Without --real-stores every 100th seed of a
// range runs on RocksDB.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "tests/simulation/simulation.h"

namespace {

using tenure::test::SimulationOptions;
using tenure::test::SimulationReport;

constexpr uint64_t kRealStoresEvery = 100;

struct Arguments {
  uint64_t first = 1, last = 1;
  size_t steps = SimulationOptions{}.steps;
  bool real_stores = false;
};

bool parse(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(int count, char** values, Arguments& arguments) {
  for (int i = 1; i < count; i++) {
    const std::string_view name = values[i];
    if (name == "--real-stores") {
      arguments.real_stores = true;
      continue;
    }
    if (i + 1 == count) return false;
    const std::string_view value = values[++i];
    if (name == "--seed") {
      if (!parse(value, arguments.first)) return false;
      arguments.last = arguments.first;
    } else if (name == "--seeds") {
      const size_t dots = value.find("..");
      if (dots == std::string_view::npos || !parse(value.substr(0, dots), arguments.first) ||
          !parse(value.substr(dots + 2), arguments.last)) {
        return false;
      }
    } else if (name == "--steps") {
      if (!parse(value, arguments.steps)) return false;
    } else {
      return false;
    }
  }
  return arguments.first <= arguments.last;
}

// A seed that kills the process is named too.
volatile std::sig_atomic_t running_seed = 0;
void name_seed(int signal) {
  std::signal(signal, SIG_DFL);
  std::fprintf(stderr, "seed %d died\n", static_cast<int>(running_seed));
  std::raise(signal);
}

void add(SimulationReport& sum, const SimulationReport& one) {
  sum.answers.decided += one.answers.decided;
  sum.answers.rejected += one.answers.rejected;
  sum.answers.duplicates += one.answers.duplicates;
  sum.answers.mismatches += one.answers.mismatches;
  sum.answers.unavailable += one.answers.unavailable;
  sum.answers.due += one.answers.due;
  sum.steps += one.steps;
  sum.crashes += one.crashes;
  sum.power_losses += one.power_losses;
  sum.faults += one.faults;
  sum.clock_jumps += one.clock_jumps;
  sum.cut_bytes += one.cut_bytes;
  sum.lost_checkpoints += one.lost_checkpoints;
  sum.lost_stores += one.lost_stores;
  sum.decisions += one.decisions;
  sum.checkpoints += one.checkpoints;
  sum.loads += one.loads;
  sum.retries_read += one.retries_read;
}

void print(const SimulationReport& sum, uint64_t seeds) {
  std::printf(
      "%llu seeds, %zu steps: %zu new decisions told (%zu rejections), %zu duplicates, "
      "%zu mismatches, %zu unavailable, %zu due\n",
      static_cast<unsigned long long>(seeds), sum.steps, sum.answers.decided, sum.answers.rejected,
      sum.answers.duplicates, sum.answers.mismatches, sum.answers.unavailable, sum.answers.due);
  std::printf(
      "survived %zu crashes (%zu power losses, %zu torn bytes cut), %zu file faults, "
      "%zu clock jumps, %zu lost checkpoints, %zu lost stores\n",
      sum.crashes, sum.power_losses, sum.cut_bytes, sum.faults, sum.clock_jumps,
      sum.lost_checkpoints, sum.lost_stores);
  std::printf(
      "%llu decisions in the logs, %llu checkpoints, %llu organizations loaded, "
      "%llu originals read for retries\n",
      static_cast<unsigned long long>(sum.decisions),
      static_cast<unsigned long long>(sum.checkpoints), static_cast<unsigned long long>(sum.loads),
      static_cast<unsigned long long>(sum.retries_read));
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  if (!parse(count, values, arguments)) {
    std::fprintf(stderr,
                 "usage: tenure_sim --seed N | --seeds A..B  [--steps K] [--real-stores]\n");
    return 2;
  }
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, name_seed);
  SimulationReport sum;
  for (uint64_t seed = arguments.first; seed <= arguments.last; seed++) {
    running_seed = static_cast<std::sig_atomic_t>(seed);
    const bool in_turn = arguments.first != arguments.last && seed % kRealStoresEvery == 0;
    const bool real_stores = arguments.real_stores || in_turn;
    const auto report = tenure::test::simulate(
        {.seed = seed, .steps = arguments.steps, .real_stores = real_stores});
    add(sum, report);
    if (!report.failure) continue;
    std::printf("seed %llu failed at step %zu: %s\nrepeat: %s --seed %llu --steps %zu%s\n",
                static_cast<unsigned long long>(seed), report.steps, report.failure->c_str(),
                values[0], static_cast<unsigned long long>(seed), arguments.steps,
                real_stores ? " --real-stores" : "");
    return 1;
  }
  print(sum, arguments.last - arguments.first + 1);
}
