// Prints what a command costs the partition's thread from submit to its answer, and what
// checkpoints cost a helper thread beside it: with a log in memory, whose own work is not counted,
// over the mix of the benchmarks. Prints only. Usage: partition_speed [COMMANDS]
#include <time.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "engine/base/check.h"
#include "engine/log/memory_log.h"
#include "engine/partition/partition.h"
#include "tests/domain/domain_machine.h"
#include "tests/support/temporary_directory.h"
#include "tools/tenure/bench_workload.h"

namespace tenure::test {
namespace {

constexpr uint32_t kOrganizations = 10'000;
constexpr size_t kCommands = 1'000'000;
constexpr size_t kInFlight = 8192;
constexpr Time kNow = from_micros(1'800'000'000'000'000);

double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Runs jobs one after the other, and counts what they cost.
class Helper {
 public:
  Helper()
      : thread_([this] {
          while (auto job = take()) {
            job();
            std::lock_guard lock(mutex_);
            seconds_ = thread_seconds();
          }
        }) {}
  ~Helper() {
    run({});
    thread_.join();
  }
  void run(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    ready_.notify_one();
  }
  double seconds() {
    std::lock_guard lock(mutex_);
    return seconds_;
  }

 private:
  std::function<void()> take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !jobs_.empty(); });
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  double seconds_ = 0;
  std::thread thread_;
};

class Speed {
 public:
  Speed() : store_(std::move(*open_state_store(directory_.path()))) {
    PartitionHost host{.post =
                           [this](std::function<void()> job) {
                             std::lock_guard lock(mutex_);
                             posted_.push_back(std::move(job));
                           },
                       .run_aside = [this](std::function<void()> job) { helper_.run(job); }};
    partition_ = std::move(*Partition::open(log_, *store_, test_rulebooks(), test_catalog(),
                                            {"speed", "", "speed"}, kNow, {}, host));
  }

  // Seconds of this thread from submit to answer.
  double run(const CommandArena& commands) {
    double seconds = 0;
    std::vector<CommandBytes> verified;
    for (size_t at = 0; at < commands.size(); at += kInFlight) {
      verified.clear();
      for (size_t i = at; i < std::min(at + kInFlight, commands.size()); i++) {
        verified.push_back(std::move(*verify_command(commands[i])));
      }
      const double start = thread_seconds();
      const size_t wanted = answered_ + verified.size();
      for (CommandBytes& command : verified) {
        partition_->submit(std::move(command), [this](const Answer& answer) {
          CHECK(answer.kind == Answer::Kind::kDecided);
          answered_++;
          bytes_ += answer.decision.size();
          accepted_ += flatbuffers::GetRoot<schema::Decision>(answer.decision.data())->outcome() ==
                       schema::Outcome::accepted;
        });
      }
      seconds += thread_seconds() - start;
      while (answered_ < wanted) {
        const double step_start = thread_seconds();
        partition_->step(now_ += Duration(100));
        run_posted();
        seconds += thread_seconds() - step_start;
        while (log_.pump()) {
        }
      }
    }
    return seconds;
  }

  // Until the store has all that changed: what the helper thread did is then of all commands.
  void write_rest() {
    now_ += PartitionOptions{}.checkpoint_every;
    for (bool written = false; !written;) {
      const bool idle = partition_->idle();  // then whatever a job said is posted
      run_posted();
      partition_->step(now_ += std::chrono::milliseconds(10));
      while (log_.pump()) {
      }
      const auto next = partition_->next_due();
      written = idle && partition_->idle() && (!next || *next > now_ + std::chrono::hours(1));
    }
  }

  void print(const char* what, double seconds, size_t commands) {
    std::printf("%-28s %7.0f ns a command (%zu commands, %zu accepted so far, %.0f bytes each)\n",
                what, seconds * 1e9 / static_cast<double>(commands), commands, accepted_,
                static_cast<double>(bytes_) / static_cast<double>(answered_));
    const PartitionStats stats = partition_->stats();
    std::printf("%-28s %7.0f ns a command on the helper thread, %zu checkpoints\n", "",
                helper_.seconds() * 1e9 / static_cast<double>(answered_), stats.checkpoints);
  }

 private:
  void run_posted() {
    std::vector<std::function<void()>> jobs;
    {
      std::lock_guard lock(mutex_);
      jobs.swap(posted_);
    }
    for (const auto& job : jobs) job();
  }

  TemporaryDirectory directory_;
  MemoryLog log_;
  std::unique_ptr<StateStore> store_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  Helper helper_;  // uses all above
  std::unique_ptr<Partition> partition_;
  Time now_ = kNow;
  size_t answered_ = 0, accepted_ = 0, bytes_ = 0;
};

}  // namespace
}  // namespace tenure::test

int main(int count, char** arguments) {
  using namespace tenure;
  BenchWorkload workload(test::kOrganizations, 1);
  CommandArena setup, mix;
  workload.add_setup(setup);
  workload.add_mix(mix, count > 1 ? std::stoul(arguments[1]) : test::kCommands);
  test::Speed speed;
  speed.print("new organizations and spaces", speed.run(setup), setup.size());
  const double seconds = speed.run(mix);
  speed.write_rest();
  speed.print("the mix", seconds, mix.size());
}
