#include "tests/simulation/simulation.h"

#include <algorithm>
#include <deque>
#include <iterator>

#include "engine/json/json_edge.h"
#include "engine/log/segment_check.h"
#include "engine/log/segment_log.h"
#include "engine/partition/partition.h"
#include "engine/partition/state_rows.h"
#include "tests/domain/random_commands.h"
#include "tests/simulation/stores.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/simulated_file_system.h"

namespace tenure::test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

// More than any world needs to come to rest.
constexpr size_t kMostRounds = 100'000;

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        random_(options.seed),
        partition_options_(random_options()),
        model_(partition_options_.dedupe_window),
        disk_(random_()),
        stores_(options.real_stores, options.seed),
        commands_(random_(), random_commands()) {}

  SimulationReport run() {
    if (const auto started = start(); !started) model_.fail(started.error().message);
    for (report_.steps = 0; report_.steps < options_.steps && !model_.failure(); report_.steps++) {
      act();
      if (partition_ && partition_->failure()) bury();
    }
    finish();
    report_.failure = model_.failure();
    report_.answers = model_.counts;
    return report_;
  }

 private:
  using Job = std::function<void()>;

  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool chance(uint64_t in) { return below(in) == 0; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

  PartitionOptions random_options() {
    return {.max_queued = one_of<size_t>({30, 1000}),
            .batch_bytes = one_of<size_t>({1, 2000, 16'000}),
            .memory_for_organizations = one_of<size_t>({0, 20'000, 1 << 30}),
            .dedupe_window = one_of<hours>({hours(24), hours(24 * 7)}),
            .dedupe_max_ids = one_of<uint64_t>({400, 1'000'000, 1'000'000, 1'000'000}),
            .checkpoint_bytes = one_of<size_t>({500, 5'000, 64 << 20})};
  }

  // Few ids, so that commands meet what earlier ones made.
  RandomCommandOptions random_commands() {
    return {.personal_text = false,  // commands are laid out anew by way of JSON
            .organizations = one_of<size_t>({1, 3, 12}),
            .users = one_of<size_t>({4, 10}),
            .groups = 3,
            .spaces = one_of<size_t>({1, 4}),
            .resources = 6};
  }

  // What happens next.
  void act() {
    now_ += microseconds(below(20'000));
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return send_next();
      case 5:
        return send_at_once();
      case 6:
        return send_again();
      case 7:
      case 8:
      case 9:
      case 10:
        step();
        return;
      case 11:
      case 12:
        run_some(jobs_, 1);
        return;
      case 13:
      case 14:
        run_some(posted_, 3);
        return;
      case 15:
      case 16:
      case 17:
        log_->pump();
        return;
      case 18:
        if (const auto projected = stores_.project(); !projected) {
          if (files_.fault_hit()) return restart();
          model_.fail("projector: " + projected.error().message);
        }
        return;
      default:
        return happen_rarely();
    }
  }

  void happen_rarely() {
    switch (below(12)) {
      case 0:
        return restart();
      case 1:
        return chance(3) ? fail_a_sync() : fail_a_file_call(10);
      case 2:
        return jump(hours(1));
      case 3:
        return jump(-hours(1));
      case 4:
        return jump(chance(4) ? days(1 + below(40)) : hours(1 + below(30)));
      case 5:
        return stores_.fail_writes(chance(2));
      case 6:
        now_ += seconds(10);
        return;
      case 7:
        return step_when_due();
      default:  // everybody has time to finish
        for (int i = 0; i < 20; i++) {
          step();
          run_some(jobs_, 3);
          log_->pump();
          run_some(posted_, 100);
        }
    }
  }

  // The process dies at one of the next calls: it and all after it fail.
  void fail_a_file_call(uint64_t within) {
    if (files_.fault_hit()) return;  // it has
    report_.faults++;
    files_.set_fault(
        Fault{.at = 1 + below(within), .error = ErrorKind::kIo, .only = {}, .lasting = true});
  }

  // The machine lives on, but what was to be synced will be gone with its power.
  void fail_a_sync() {
    report_.faults++;
    sync_fails_ = true;
    disk_.fail_next_sync();
  }

  // Between two steps of a clock that runs on, nothing comes due that next_due did not tell.
  bool step() {
    constexpr auto kTriesAgain = std::chrono::milliseconds(10);
    const auto told = partition_->next_due();
    const bool is_idle = partition_->stats().waiting == 0 && now_ >= stepped_;
    const Number before = partition_->next_number();
    const bool busy = partition_->step(stepped_ = now_);
    if (is_idle && partition_->next_number() != before && (!told || *told > now_ + kTriesAgain)) {
      model_.fail("work was due that next_due had not told");
    }
    return busy;
  }

  // At the very moment, or so little before it that a decision or two still come first.
  void step_when_due() {
    if (const auto due = partition_->next_due()) {
      now_ = std::max(now_, *due - microseconds(below(3)));
    }
    step();
  }

  void jump(Duration by) {
    report_.clock_jumps++;
    now_ += by;
  }

  // A sender who got no decision sends the same again, most often.
  void send_next() {
    if (undecided_.empty() || chance(4)) return send(commands_.next(now_));
    const size_t handle = undecided_.front();
    undecided_.pop_front();
    send(model_.command(handle));
  }

  void send(Buffer command) {
    // What an ingress has vouched for comes from nobody else.
    const bool vouched = envelope_of(command).key_hash() != nullptr;
    auto verified = vouched ? trusted_command(command) : verify_command(command);
    if (!verified) return model_.fail("not a command: " + verified.error().message);
    const size_t handle = model_.sent(std::move(command));
    partition_->submit(std::move(*verified), [this, handle, life = life_](const Answer& answer) {
      if (life != life_) model_.fail("an answer of a partition that is dead");
      model_.answered(handle, answer);
      if (answer.kind == Answer::Kind::kUnavailable) undecided_.push_back(handle);
    });
  }

  void send_at_once() {
    const Buffer command = commands_.next(now_);
    for (uint64_t i = 0, times = 2 + below(4); i < times; i++) send(command);
  }

  // A command of the past: as it was, laid out in another way, or with another payload.
  void send_again() {
    if (model_.size() == 0) return;
    const bool recent = chance(2);
    const size_t span = recent ? std::min<size_t>(model_.size(), 10) : model_.size();
    const Buffer old = model_.command(model_.size() - 1 - below(span));
    switch (below(4)) {
      case 0:
        return send(through_json(canonical(envelope_of(old))));
      case 1:
        return send_under_id_of(old, commands_.next(now_));
      default:
        return send(old);
    }
  }

  // No organization takes both, what is about services and what is not.
  void send_under_id_of(const Buffer& old, const Buffer& other) {
    const bool together = is_about_services(envelope_of(old).command_type()) ==
                          is_about_services(envelope_of(other).command_type());
    send(together ? under_id_of(old, other) : other);
  }

  Buffer through_json(const std::string& json) {
    const auto read = reader_.read(json);
    if (!read) {
      model_.fail("JSON that was written is not read: " + read.error().message);
      return {};
    }
    return {read->begin(), read->end()};
  }

  Buffer under_id_of(const Buffer& old, const Buffer& other) {
    std::string json = canonical(envelope_of(other));
    const auto replace = [&](const char* name, std::string_view from, std::string_view to) {
      const std::string before = std::string("\"") + name + "\":\"" + std::string(from) + '"';
      const size_t at = json.find(before);
      if (at == std::string::npos) return model_.fail("no " + before + " in " + json);
      json.replace(at, before.size(), std::string("\"") + name + "\":\"" + std::string(to) + '"');
    };
    const schema::CommandEnvelope& a = envelope_of(other);
    const schema::CommandEnvelope& b = envelope_of(old);
    replace("id", a.id()->string_view(), b.id()->string_view());
    replace("org", a.org()->string_view(), b.org()->string_view());
    replace("actor", a.actor()->string_view(), b.actor()->string_view());
    return through_json(json);
  }

  // Posted jobs in order; helper threads' in any.
  void run_some(std::deque<Job>& jobs, uint64_t most) {
    for (uint64_t i = 0; i < most && !jobs.empty(); i++) {
      const size_t which = &jobs == &jobs_ ? below(jobs.size()) : 0;
      const Job job = std::move(jobs[which]);
      jobs.erase(jobs.begin() + static_cast<ptrdiff_t>(which));
      job();
    }
  }

  Result<void> start() {
    life_++;
    LogId log_id{};
    log_id[0] = static_cast<std::byte>(options_.seed);
    log_ = TRY(SegmentLog::open({.directory = "log",
                                 .segment_bytes = segment_bytes_,
                                 .reserve_bytes = 0,
                                 .own_thread = false,
                                 .command = "tenure_sim",
                                 .address = "",
                                 .files = &files_,
                                 .new_log_id = [log_id] { return log_id; },
                                 .observe_sync = {}}));
    report_.cut_bytes += log_->recovery().cut_bytes;
    TRY(stores_.open_state());
    PartitionHost host{.post = [this](Job job) { posted_.push_back(std::move(job)); },
                       .run_aside = [this](Job job) { jobs_.push_back(std::move(job)); }};
    partition_ = TRY(Partition::open(*log_, stores_.state(), test_rulebooks(), test_catalog(),
                                     {"tenure_sim", "", "", to_micros(now_)}, now_,
                                     partition_options_, host));
    stepped_ = now_;
    return stores_.open_read_models(*log_);
  }

  // A partition that is dead has told everybody, and has not died of itself.
  void bury() {
    if (!files_.fault_hit() && !sync_fails_) {
      model_.fail("died without a fault: " + partition_->failure()->message);
    }
    model_.check_all_answered();
    restart();
  }

  // The process dies at this moment, of a kill or of a power loss.
  void die() {
    report_.crashes++;
    const bool power_loss = !chance(3);
    report_.power_losses += power_loss;
    power_loss ? disk_.crash() : disk_.kill();
    files_.set_fault(std::nullopt);
    sync_fails_ = false;
    stop();
  }

  void stop() {
    if (partition_) {
      const PartitionStats stats = partition_->stats();
      report_.checkpoints += stats.checkpoints;
      report_.loads += stats.loads;
      report_.retries_read += stats.retries_read;
    }
    life_++;
    std::ranges::copy(model_.crashed(), std::back_inserter(undecided_));
    partition_ = nullptr;
    jobs_.clear();
    posted_.clear();
    stores_.crash();
    log_ = nullptr;
  }

  // Dies and starts again, and sometimes dies while starting.
  void restart() {
    while (true) {
      die();
      switch (stores_.harm(random_)) {
        case SimulatedStores::Harm::kNone:
          break;
        case SimulatedStores::Harm::kLostCheckpoint:
          report_.lost_checkpoints++;
          break;
        case SimulatedStores::Harm::kLostStore:
          report_.lost_stores++;
          break;
      }
      if (chance(4)) fail_a_file_call(60);
      const Result<void> started = start();
      if (started) break;
      if (!files_.fault_hit()) return model_.fail("no start: " + started.error().message);
    }
    if (files_.fault_hit()) return;  // started, and dead already
    files_.set_fault(std::nullopt);
    check_state();
  }

  void check_state() {
    model_.check_log(*log_);
    if (model_.failure()) return;
    for (const auto& [org, organization] : model_.organizations()) {
      const auto digest = partition_->digest(org);
      if (!digest) return model_.fail("no digest of " + org + ": " + digest.error().message);
      if (*digest != state_digest(organization)) {
        return model_.fail("the state of " + org + " differs from a replay of the log");
      }
    }
  }

  // What is kept on disk: the log, byte by byte, and the read models.
  void check_kept() {
    if (const auto log = check_log_deeply(files_, "log", {}); !log) {
      return model_.fail("the log is damaged: " + log.error().message);
    }
    auto compared = stores_.compare_with_rebuilt(*log_);
    if (compared) compared = stores_.compare_with(model_.organizations());
    if (!compared) model_.fail(compared.error().message);
  }

  // Everything comes to rest: all is answered, and all that is kept agrees.
  void finish() {
    if (model_.failure()) return;
    stores_.fail_writes(false);
    while (files_.fault_hit()) restart();
    if (model_.failure()) return;
    files_.set_fault(std::nullopt);
    now_ += hours(2);  // the clock may have been behind
    bool busy = true;
    for (size_t round = 0; busy && !model_.failure(); round++) {
      if (round == kMostRounds) return model_.fail("does not come to rest");
      busy = step();
      busy |= !jobs_.empty() || !posted_.empty();
      run_some(jobs_, 100);
      busy |= log_->pump();
      run_some(posted_, 100);
      if (partition_->failure()) {
        bury();
        busy = true;
      } else if (files_.fault_hit()) {  // died while starting
        restart();
        busy = true;
      }
      if (busy || model_.failure()) continue;
      const auto due = partition_->next_due();
      busy = due && *due <= now_ + seconds(60);
      if (busy) now_ = std::max(now_, *due);
    }
    if (model_.failure()) return;
    model_.check_all_answered();
    check_state();
    model_.check_nothing_due(now_);
    report_.decisions = partition_->next_number().value;
    check_kept();
    stop();
  }

  const SimulationOptions options_;
  std::mt19937_64 random_;
  const PartitionOptions partition_options_;
  Model model_;
  SimulationReport report_;
  Time now_ = from_micros(1'795'000'000'000'000);
  Time stepped_ = now_;      // when the partition made its last step
  bool sync_fails_ = false;  // one of this life has failed, or will
  uint64_t life_ = 0;        // of the process; changes with every death and every start

  const uint64_t segment_bytes_ = one_of<uint64_t>({32 << 10, 256 << 10});
  SimulatedFileSystem disk_;
  FaultyFileSystem files_{disk_};
  SimulatedStores stores_;
  RandomCommands commands_;
  JsonReader reader_{command_schema()};
  std::unique_ptr<SegmentLog> log_;
  std::deque<Job> jobs_, posted_;
  std::deque<size_t> undecided_;  // commands that were answered kUnavailable, or not at all
  std::unique_ptr<Partition> partition_;
};

}  // namespace

SimulationReport simulate(const SimulationOptions& options) { return Simulation(options).run(); }

}  // namespace tenure::test
