#include "tools/server/engine_host.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "engine/base/check.h"
#include "engine/log/segment_log.h"
#include "engine/personal/seal_command.h"
#include "engine/rulebooks/builtin.h"
#include "projections/read_models.h"
#include "tools/server/applied_waiters.h"
#include "tools/server/data_directory.h"
#include "tools/server/mailbox.h"
#include "tools/server/work_pool.h"

namespace tenure {
namespace {

constexpr size_t kHelperThreads = 2;
constexpr auto kLongestSleep = std::chrono::seconds(1);
// The engine thread writes batches of a few commands itself (segment_log.h): about as many as are
// decided while a sync lasts would be too many.
constexpr size_t kInlineBytes = 8u << 10;

Writer writer_of(const std::string& address, Time now) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return {.process = std::string(host) + ":" + std::to_string(::getpid()),
          .address = address,
          .build = "tenure " TENURE_VERSION,
          .time_us = to_micros(now)};
}

}  // namespace

struct EngineHost::Impl {
  explicit Impl(HostOptions given) : options(std::move(given)) {}

  HostOptions options;
  SystemClock clock;
  Rulebooks rulebooks;
  std::optional<Catalog> catalog;
  std::atomic<uint64_t> log_batches = 0, log_sync_nanoseconds = 0;

  // Destroyed from the last to the first: helpers end before what they work on.
  std::unique_ptr<SegmentLog> log;
  std::unique_ptr<KeyStore> keys;
  std::optional<KeyUnsealer> unsealer;
  std::unique_ptr<StateStore> store;
  std::unique_ptr<ReadModels> models;
  std::unique_ptr<WorkPool> helpers;
  std::unique_ptr<Partition> partition;
  Mailbox mailbox;
  AppliedWaiters waiters;
  Number at_open;  // decisions in the log when it was opened
  std::atomic<uint64_t> durable = 0;

  std::thread engine, projector;
  std::mutex projector_mutex;
  std::condition_variable projector_wakes;
  bool projector_has_work = false, projector_stops = false;

  mutable std::mutex state_mutex;  // of what follows
  std::optional<Error> failure;
  std::function<void()> on_failure;
  PartitionStats partition_stats;
  bool closed = false;

  Result<void> open();
  void run_engine();
  bool drained() const;
  void publish();
  void fail(const Error& error);
  void run_projector();
  void wake_projector();
  Result<void> close();
};

Result<void> EngineHost::Impl::open() {
  DataDirectory data = TRY(DataDirectory::create(options.data_directory));
  rulebooks = TRY(builtin_rulebooks());
  catalog = TRY(builtin_catalog());
  SegmentOptions segments;
  segments.directory = data.log();
  segments.address = options.address;
  segments.files = options.files;
  segments.segment_bytes = options.segment_bytes;
  segments.inline_bytes = kInlineBytes;
  segments.observe_sync = [this](std::chrono::nanoseconds took) {
    log_batches.fetch_add(1, std::memory_order_relaxed);
    log_sync_nanoseconds.fetch_add(static_cast<uint64_t>(took.count()), std::memory_order_relaxed);
  };
  log = TRY(SegmentLog::open(std::move(segments)));
  keys = TRY(KeyStore::open(*options.files, data.keys()));
  unsealer.emplace(*keys);
  store = TRY(open_state_store(data.state()));
  helpers = std::make_unique<WorkPool>(kHelperThreads, SIZE_MAX);
  PartitionHost host{
      .post = [this](std::function<void()> job) { mailbox.post(std::move(job)); },
      .run_aside = [this](std::function<void()> job) { CHECK(helpers->submit(std::move(job))); }};
  const Time now = clock.now();
  partition =
      TRY(Partition::open(*log, *store, rulebooks, *catalog, writer_of(options.address, now), now,
                          options.partition, std::move(host)));
  // After the claim: the read models keep the log's id, which the first claim names.
  models = TRY(ReadModels::open(data.read_models(), *log, options.partition.id));
  at_open = partition->durable();
  durable = at_open.value;
  waiters.advance(models->applied());
  engine = std::thread([this] { run_engine(); });
  if (options.follow) projector = std::thread([this] { run_projector(); });
  return {};
}

void EngineHost::Impl::run_engine() {
  Mailbox::Content content;
  bool busy = true;
  while (true) {
    std::chrono::microseconds patience{0};
    if (!busy) {
      patience = kLongestSleep;
      if (auto due = partition->next_due()) patience = std::min(patience, *due - clock.now());
    }
    mailbox.take(patience, content);
    if (content.closing && content.jobs.empty() && content.commands.empty() && drained()) return;
    for (auto& job : content.jobs) job();
    for (Submission& each : content.commands) {
      partition->submit(std::move(each.command), std::move(each.reply));
    }
    content.clear();
    busy = partition->step(clock.now());
    publish();
    if (auto why = partition->failure()) fail({ErrorKind::kIo, why->message});
  }
}

// Nothing is left to answer, or nothing can be answered any more.
bool EngineHost::Impl::drained() const {
  if (partition->failure() || log->refusal()) return true;
  return partition->stats().waiting == 0 && partition->durable() == partition->next_number();
}

void EngineHost::Impl::publish() {
  {
    std::lock_guard lock(state_mutex);
    partition_stats = partition->stats();
  }
  const uint64_t now_durable = partition->durable().value;
  if (durable.exchange(now_durable) != now_durable) wake_projector();
}

void EngineHost::Impl::fail(const Error& error) {
  std::function<void()> callback;
  {
    std::lock_guard lock(state_mutex);
    if (failure) return;
    failure = error;
    callback = on_failure;
  }
  waiters.give_up();
  if (callback) callback();
}

void EngineHost::Impl::run_projector() {
  while (true) {
    Result<bool> stepped = models->step();
    if (!stepped) return fail(stepped.error());
    waiters.advance(models->applied());
    waiters.expire(std::chrono::steady_clock::now());
    std::unique_lock lock(projector_mutex);
    if (projector_stops) return;
    if (*stepped || projector_has_work) {
      projector_has_work = false;
      continue;
    }
    auto deadline = std::chrono::steady_clock::now() + kLongestSleep;
    if (auto next = waiters.next_deadline()) deadline = std::min(deadline, *next);
    projector_wakes.wait_until(lock, deadline,
                               [this] { return projector_has_work || projector_stops; });
    projector_has_work = false;
  }
}

void EngineHost::Impl::wake_projector() {
  std::lock_guard lock(projector_mutex);
  projector_has_work = true;
  projector_wakes.notify_one();
}

Result<void> EngineHost::Impl::close() {
  {
    std::lock_guard lock(state_mutex);
    if (closed || !engine.joinable()) return {};
    closed = true;
  }
  mailbox.close();
  engine.join();
  helpers.reset();
  Result<void> stopped = log->close();
  // What a full disk kept waiting has failed now; this thread takes the engine's place to say so.
  Mailbox::Content content;
  mailbox.take({}, content);
  for (auto& job : content.jobs) job();
  publish();
  {
    std::lock_guard lock(projector_mutex);
    projector_stops = true;
    projector_wakes.notify_one();
  }
  if (projector.joinable()) projector.join();
  waiters.give_up();
  return stopped;
}

EngineHost::EngineHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EngineHost::~EngineHost() { (void)impl_->close(); }

Result<std::unique_ptr<EngineHost>> EngineHost::open(HostOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  TRY(impl->open());
  return std::unique_ptr<EngineHost>(new EngineHost(std::move(impl)));
}

Result<CommandBytes> EngineHost::seal(CommandBytes command) {
  return seal_command(std::move(command), *impl_->keys);
}

const Unsealer& EngineHost::unsealer() const { return *impl_->unsealer; }

void EngineHost::submit(CommandBytes command, Reply reply) {
  Submission one{std::move(command), std::move(reply)};
  submit(std::span(&one, 1));
}

void EngineHost::submit(std::span<Submission> batch) {
  if (impl_->mailbox.put(batch)) return;
  for (Submission& each : batch) {
    each.reply(
        {Answer::Kind::kUnavailable, {}, {}, "the server is stopping; retry with the same id"});
  }
}

void EngineHost::when_applied(Number number, std::chrono::steady_clock::time_point deadline,
                              std::function<void(bool)> done) {
  if (impl_->waiters.wait(number, deadline, std::move(done))) impl_->wake_projector();
}

bool EngineHost::wait_applied(Number number, std::chrono::milliseconds timeout) {
  std::promise<bool> promise;
  when_applied(number, std::chrono::steady_clock::now() + timeout,
               [&promise](bool applied) { promise.set_value(applied); });
  return promise.get_future().get();
}

std::unique_ptr<const RowView> EngineHost::view() const { return impl_->models->view(); }

Result<PastOrganization> EngineHost::as_of(const RowView& now, std::string_view org,
                                           Moment moment) const {
  return ::tenure::as_of(now, *impl_->log, impl_->options.partition.id, org, moment);
}

DecisionLog& EngineHost::log() const { return *impl_->log; }
const Rulebooks& EngineHost::rulebooks() const { return impl_->rulebooks; }
const Catalog& EngineHost::catalog() const { return *impl_->catalog; }

Number EngineHost::durable() const { return {impl_->durable}; }
Number EngineHost::applied() const { return impl_->waiters.applied(); }
bool EngineHost::caught_up() const { return applied() >= impl_->at_open; }

HostStats EngineHost::stats() const {
  HostStats stats{.applied = impl_->waiters.applied().value,
                  .submitted = impl_->mailbox.submitted(),
                  .mailbox = impl_->mailbox.waiting(),
                  .log_batches = impl_->log_batches.load(std::memory_order_relaxed),
                  .partition = {}};
  stats.log_sync_seconds =
      static_cast<double>(impl_->log_sync_nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
  std::lock_guard lock(impl_->state_mutex);
  stats.durable = impl_->durable;
  stats.partition = impl_->partition_stats;
  return stats;
}

std::optional<Error> EngineHost::failure() const {
  std::lock_guard lock(impl_->state_mutex);
  return impl_->failure;
}

void EngineHost::on_failure(std::function<void()> callback) {
  {
    std::lock_guard lock(impl_->state_mutex);
    impl_->on_failure = callback;
    if (!impl_->failure) return;
  }
  callback();
}

Result<void> EngineHost::close() { return impl_->close(); }

}  // namespace tenure
