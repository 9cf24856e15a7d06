#include "tools/server/engine_host.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "engine/log/segment_log.h"
#include "engine/personal/seal_command.h"
#include "engine/rulebooks/builtin.h"
#include "projections/read_models.h"
#include "tools/server/applied_waiters.h"
#include "tools/server/command_parser.h"
#include "tools/server/data_directory.h"
#include "tools/server/mailbox.h"
#include "tools/server/owned_partition.h"
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
  Mailbox mailbox;

  // Destroyed from the last to the first: helpers end before what they work on.
  std::unique_ptr<SegmentLog> segments;  // this or
  std::unique_ptr<KafkaSide> kafka;      // this
  DecisionLog* log = nullptr;            // is the log
  std::unique_ptr<KeyStore> keys;
  std::optional<KeyUnsealer> unsealer;
  std::optional<OwnedPartition::Surroundings> around;
  std::unique_ptr<ReadModels> models;
  std::unique_ptr<WorkPool> helpers;

  // What is known of one partition from other threads.
  struct Place {
    std::unique_ptr<OwnedPartition> owned;  // the engine thread's
    AppliedWaiters waiters;
    Number at_open;  // decisions in the log when it was opened
    std::atomic<uint64_t> durable = 0;
    PartitionStats stats;  // under state_mutex, as are these
    bool writer = false;
    uint64_t settled = 0;
  };
  std::deque<Place> places;  // by partition

  std::thread engine, projector;
  std::mutex projector_mutex;
  std::condition_variable projector_wakes;
  bool projector_has_work = false, projector_stops = false;

  mutable std::mutex state_mutex;  // of what follows
  std::optional<Error> failure;
  std::function<void()> on_failure;
  bool closed = false;

  Result<void> open();
  Result<void> open_segments(const DataDirectory& data);
  Result<void> open_kafka(const DataDirectory& data);
  void surround();
  Result<void> open_partitions(const DataDirectory& data);
  Partitions partitions() const;
  void run_engine();
  bool step_partitions();
  std::chrono::microseconds patience();
  bool drained() const;
  void publish();
  void fail(const Error& error);
  void run_projector();
  void advance();
  void wake_projector();
  Result<void> close();
};

Result<void> EngineHost::Impl::open_segments(const DataDirectory& data) {
  SegmentOptions opening;
  opening.directory = data.log();
  opening.address = options.address;
  opening.files = options.files;
  opening.segment_bytes = options.segment_bytes;
  opening.inline_bytes = kInlineBytes;
  opening.observe_sync = [this](std::chrono::nanoseconds took) {
    log_batches.fetch_add(1, std::memory_order_relaxed);
    log_sync_nanoseconds.fetch_add(static_cast<uint64_t>(took.count()), std::memory_order_relaxed);
  };
  segments = TRY(SegmentLog::open(std::move(opening)));
  log = segments.get();
  return {};
}

Result<void> EngineHost::Impl::open_kafka(const DataDirectory& data) {
  KafkaSide::Hooks hooks;
  hooks.on_change = [this] {
    mailbox.nudge();
    wake_projector();
  };
  hooks.assign = [this](PartitionId id) {
    mailbox.post([this, id] { places[id.value].owned->assign(); });
  };
  hooks.revoke = [this](PartitionId id, std::function<void()> let_go) {
    mailbox.post(
        [this, id, let_go = std::move(let_go)] { places[id.value].owned->revoke(let_go); });
  };
  hooks.submit = [this](PartitionId id, CommandBytes command, Offset source, Reply reply) {
    Submission one{std::move(command), std::move(reply), id, source.value};
    if (!mailbox.put(std::span(&one, 1))) one.reply(unavailable("this process is stopping"));
  };
  hooks.on_failure = [this](const Error& error) { fail(error); };
  kafka = TRY(KafkaSide::open(*options.kafka, data.mirror(), std::move(hooks)));
  log = &kafka->log();
  return {};
}

void EngineHost::Impl::surround() {
  around.emplace(OwnedPartition::Surroundings{
      .log = *log,
      .rulebooks = rulebooks,
      .catalog = *catalog,
      .host = {.post = [this](std::function<void()> job) { mailbox.post(std::move(job)); },
               .run_aside =
                   [this](std::function<void()> job) { CHECK(helpers->submit(std::move(job))); }},
      .writer = writer_of(options.address, clock.now()),
      .polls = {},
      .assigned_since = {},
      .on_writer = {},
      .on_doubt = {}});
  if (!kafka) return;
  around->polls = [this] { return kafka->polls(); };
  around->assigned_since = [this](PartitionId id, uint64_t polls) {
    return kafka->assigned_since(id, polls);
  };
  around->on_writer = [this](PartitionId id, uint64_t settled, std::chrono::milliseconds took) {
    spdlog::info("event=claimed partition={} decisions={} settled={} took_ms={}", id.value,
                 places[id.value].owned->partition().next_number().value, settled, took.count());
    kafka->start(id, settled);
  };
  around->on_doubt = [](PartitionId id, const Error& error) {
    spdlog::warn("event=doubt partition={} error=\"{}\"", id.value, error.message);
  };
}

Result<void> EngineHost::Impl::open_partitions(const DataDirectory& data) {
  for (PartitionId id{0}; id.value < (kafka ? options.kafka->partitions : 1); id = {id.value + 1}) {
    PartitionOptions opening = options.partition;
    opening.id = id;
    Place& place = places.emplace_back();
    auto store = TRY(open_state_store(kafka ? data.state_of(id) : data.state()));
    const auto open = kafka ? OwnedPartition::open_following : OwnedPartition::open_writing;
    place.owned = TRY(open(*around, std::move(store), opening, clock.now()));
    place.at_open = place.owned->partition().durable();
    place.durable = place.at_open.value;
  }
  return {};
}

Partitions EngineHost::Impl::partitions() const {
  Partitions ids;
  for (const Place& place : places) ids.push_back(place.owned->id());
  return ids;
}

Result<void> EngineHost::Impl::open() {
  DataDirectory data = TRY(DataDirectory::create(options.data_directory));
  rulebooks = TRY(builtin_rulebooks());
  catalog = TRY(builtin_catalog());
  TRY(options.kafka ? open_kafka(data) : open_segments(data));
  keys = TRY(KeyStore::open(*options.files, data.keys()));
  unsealer.emplace(*keys);
  helpers = std::make_unique<WorkPool>(kHelperThreads, SIZE_MAX);
  surround();
  TRY(open_partitions(data));
  // After the claim: the read models keep the log's id, which the first claim names.
  if (options.follow) models = TRY(ReadModels::open(data.read_models(), *log, partitions()));
  advance();
  engine = std::thread([this] { run_engine(); });
  if (options.follow) projector = std::thread([this] { run_projector(); });
  return kafka ? kafka->join(*unsealer) : Result<void>{};
}

void EngineHost::Impl::run_engine() {
  Mailbox::Content content;
  bool busy = true;
  while (true) {
    mailbox.take(busy ? std::chrono::microseconds(0) : patience(), content);
    if (content.closing && content.jobs.empty() && content.commands.empty() && drained()) return;
    for (auto& job : content.jobs) job();
    for (Submission& each : content.commands) {
      places[each.partition.value].owned->partition().submit(std::move(each.command),
                                                             std::move(each.reply), each.source);
    }
    content.clear();
    busy = step_partitions();
    publish();
  }
}

bool EngineHost::Impl::step_partitions() {
  bool busy = false;
  for (Place& place : places) {
    const Result<bool> stepped = place.owned->step(clock.now());
    if (!stepped) fail(stepped.error());
    busy |= stepped && *stepped;
  }
  return busy;
}

std::chrono::microseconds EngineHost::Impl::patience() {
  const Time now = clock.now();
  std::chrono::microseconds longest = kLongestSleep;
  for (const Place& place : places) {
    if (const auto wakes = place.owned->wakes_at(now)) longest = std::min(longest, *wakes - now);
  }
  return longest;
}

// Nothing is left to answer, or nothing can be answered any more.
bool EngineHost::Impl::drained() const {
  if (log->refusal()) return true;
  return std::ranges::all_of(places, [](const Place& place) {
    const Partition& partition = place.owned->partition();
    return partition.failure() ||
           (partition.stats().waiting == 0 && partition.durable() == partition.next_number());
  });
}

void EngineHost::Impl::publish() {
  bool more = false;
  for (Place& place : places) {
    const Partition& partition = place.owned->partition();
    const uint64_t now_durable = partition.durable().value;
    more |= place.durable.exchange(now_durable) != now_durable;
    std::lock_guard lock(state_mutex);
    place.stats = partition.stats();
    place.writer = partition.is_writer();
    place.settled = partition.settled();
  }
  if (more) wake_projector();
}

void EngineHost::Impl::fail(const Error& error) {
  std::function<void()> callback;
  {
    std::lock_guard lock(state_mutex);
    if (failure) return;
    failure = error;
    callback = on_failure;
  }
  for (Place& place : places) place.waiters.give_up();
  if (callback) callback();
}

void EngineHost::Impl::advance() {
  if (!models) return;
  for (Place& place : places) place.waiters.advance(models->applied(place.owned->id()));
}

void EngineHost::Impl::run_projector() {
  while (true) {
    Result<bool> stepped = models->step();
    // Over Kafka a mirror that lags behind what is durable makes a reader wait, and give up.
    if (!stepped && stepped.error().kind != ErrorKind::kUnavailable) return fail(stepped.error());
    advance();
    auto deadline = std::chrono::steady_clock::now();
    for (Place& place : places) place.waiters.expire(deadline);
    std::unique_lock lock(projector_mutex);
    if (projector_stops) return;
    if ((stepped && *stepped) || projector_has_work) {
      projector_has_work = false;
      continue;
    }
    deadline += kLongestSleep;
    for (const Place& place : places) {
      if (auto next = place.waiters.next_deadline()) deadline = std::min(deadline, *next);
    }
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
  if (kafka) kafka->leave();
  mailbox.close();
  engine.join();
  helpers.reset();
  Result<void> stopped = kafka ? kafka->log().close() : segments->close();
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
  for (Place& place : places) place.waiters.give_up();
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
  // Its keys would have to be the same in every process.
  if (impl_->kafka && has_personal_text(command)) {
    return tenure::fail(
        ErrorKind::kInvalid,
        "malformed: reason, name and email are not taken over Kafka yet; leave them "
        "out");
  }
  return seal_command(std::move(command), *impl_->keys);
}

const Unsealer& EngineHost::unsealer() const { return *impl_->unsealer; }

void EngineHost::submit(CommandBytes command, Reply reply) {
  Submission one{std::move(command), std::move(reply)};
  submit(std::span(&one, 1));
}

void EngineHost::submit(std::span<Submission> batch) {
  if (impl_->kafka) {
    for (Submission& each : batch) {
      impl_->kafka->send(std::move(each.command), std::move(each.reply));
    }
    return;
  }
  if (impl_->mailbox.put(batch)) return;
  for (Submission& each : batch) {
    each.reply(
        {Answer::Kind::kUnavailable, {}, {}, "the server is stopping; retry with the same id"});
  }
}

void EngineHost::when_applied(Position position, std::chrono::steady_clock::time_point deadline,
                              std::function<void(bool)> done) {
  AppliedWaiters& waiters = impl_->places[position.partition.value].waiters;
  if (waiters.wait(position.number, deadline, std::move(done))) impl_->wake_projector();
}

bool EngineHost::wait_applied(Position position, std::chrono::milliseconds timeout) {
  std::promise<bool> promise;
  when_applied(position, std::chrono::steady_clock::now() + timeout,
               [&promise](bool applied) { promise.set_value(applied); });
  return promise.get_future().get();
}

std::unique_ptr<const RowView> EngineHost::view() const { return impl_->models->view(); }

Result<PastOrganization> EngineHost::as_of(const RowView& now, std::string_view org,
                                           Moment moment) const {
  return ::tenure::as_of(now, *impl_->log, partition_of(org), org, moment);
}

DecisionLog& EngineHost::log() const { return *impl_->log; }
const Rulebooks& EngineHost::rulebooks() const { return impl_->rulebooks; }
const Catalog& EngineHost::catalog() const { return *impl_->catalog; }

bool EngineHost::serves_reads() const { return impl_->models != nullptr; }
uint32_t EngineHost::partitions() const { return static_cast<uint32_t>(impl_->places.size()); }
PartitionId EngineHost::partition_of(std::string_view org) const {
  return {::tenure::partition_of(org, partitions())};
}
Number EngineHost::durable(PartitionId partition) const {
  return {impl_->places[partition.value].durable};
}
Number EngineHost::applied(PartitionId partition) const {
  return impl_->places[partition.value].waiters.applied();
}
bool EngineHost::caught_up() const {
  return !serves_reads() || std::ranges::all_of(impl_->places, [](const Impl::Place& place) {
    return place.waiters.applied() >= place.at_open;
  });
}

HostStats EngineHost::stats() const {
  HostStats stats{.submitted = impl_->mailbox.submitted(),
                  .mailbox = impl_->mailbox.waiting(),
                  .log_batches = impl_->log_batches.load(std::memory_order_relaxed),
                  .partition = {}};
  stats.log_sync_seconds =
      static_cast<double>(impl_->log_sync_nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
  std::lock_guard lock(impl_->state_mutex);
  for (const Impl::Place& place : impl_->places) {
    stats.durable += place.durable;
    stats.applied += place.waiters.applied().value;
    stats.partition += place.stats;
  }
  return stats;
}

std::vector<PartitionStatus> EngineHost::status() const {
  std::vector<PartitionStatus> all;
  for (const Impl::Place& place : impl_->places) {
    PartitionStatus status;
    status.id = {static_cast<uint32_t>(all.size())};
    status.durable = place.durable;
    status.applied = place.waiters.applied().value;
    if (impl_->kafka) {
      if (const auto seen = impl_->kafka->log().status(status.id); seen && seen->owner) {
        status.owner = seen->owner->process;
        status.address = seen->owner->address;
        status.claim = seen->owner->stamp.value;
      }
    }
    std::lock_guard lock(impl_->state_mutex);
    status.writer = place.writer;
    status.settled = place.settled;
    status.waiting = place.stats.waiting;
    all.push_back(std::move(status));
  }
  return all;
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
