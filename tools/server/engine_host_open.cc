// How a host opens and closes.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "consumers/notary/merkle_hash.h"
#include "engine/base/check.h"
#include "engine/domain/evolve.h"
#include "engine/log/kafka_topics.h"
#include "engine/personal/erasures.h"
#include "engine/rulebooks/builtin.h"
#include "tools/server/catalog_file.h"
#include "tools/server/engine_host_impl.h"

namespace tenure {
namespace {

constexpr size_t kHelperThreads = 2;
// The engine thread writes batches of a few commands itself (segment_log.h): about as many as are
// decided while a sync lasts would be too many.
constexpr size_t kInlineBytes = 8u << 10;

// That the state is built from the whole log, which a start should not have to do.
void log_replay(PartitionId id, const StateStore& store, const DecisionLog& log) {
  if (log.durable_end(id).value == 0) return;
  const auto mark = store.mark();
  std::string reason;
  if (!mark) {
    reason = mark.error().message;
  } else if (!*mark) {
    reason = "the state store is empty";
  } else if ((*mark)->evolve_version != kEvolveVersion ||
             (*mark)->rows_version != kStateRowsVersion) {
    reason = "the state store is of another version";
  }
  if (reason.empty()) return;
  spdlog::warn("event=state_store_rebuilt partition={} reason=\"{}\"", id.value, reason);
}

// What decides by the same has the same.
std::string build_of(const Catalog& catalog) {
  const std::string hash = to_hex(TreeHasher().sha256(std::as_bytes(std::span(catalog.buffer()))));
  return "tenure " TENURE_VERSION ", catalog " + hash.substr(0, 12);
}

Writer writer_of(const std::string& address, std::string build, Time now) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return {.process = std::string(host) + ":" + std::to_string(::getpid()),
          .address = address,
          .build = std::move(build),
          .time_us = to_micros(now)};
}

}  // namespace

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
  // A batch is handed over when it has reached this size, so one decision more must fit.
  options.partition.batch_bytes =
      std::min<size_t>(options.partition.batch_bytes, segments->max_batch_bytes() / 2);
  return open_keys(data);
}

// A start makes the key store before its first claim. So a log with a record had one, and a new one
// in its place would open nothing that the log holds.
Result<void> EngineHost::Impl::open_keys(const DataDirectory& data) {
  const bool had_one = segments->durable_end({}).value > 0;
  const auto found = KeyStore::examine(*options.files, data.keys());
  if (had_one && !found && found.error().kind == ErrorKind::kNotFound) {
    if (!options.accept_lost_keys) {
      return tenure::fail(
          ErrorKind::kNotFound,
          "the keys are gone: " + data.keys() +
              "/people is missing, and reasons, names and e-mails in the log cannot be read "
              "without it; restore that directory from a backup, or give those texts up by "
              "tenure serve --accept-lost-keys, once");
    }
    spdlog::warn("event=keys_lost accepted=true directory={}", data.keys());
  }
  key_file = TRY(KeyStore::open(*options.files, data.keys()));
  keys = key_file.get();
  return {};
}

Result<void> EngineHost::Impl::open_kafka(const DataDirectory& data) {
  KafkaSide::Hooks hooks;
  hooks.on_change = [this] {
    mailbox.nudge();
    wake_projector();
  };
  hooks.on_claim = [this] {
    claims_read = true;
    mailbox.nudge();
  };
  hooks.assign = [this](PartitionId id) {
    mailbox.post([this, id] { places[id.value].owned->assign(); });
  };
  hooks.revoke = [this](PartitionId id, std::function<void()> let_go) {
    mailbox.post(
        [this, id, let_go = std::move(let_go)] { places[id.value].owned->revoke(let_go); });
  };
  hooks.submit = [this](PartitionId id, CommandBytes command, Offset source, Reply reply) {
    reply = eraser->once_erased(command, std::move(reply), id);
    Submission one{std::move(command), std::move(reply), id, source.value};
    if (!mailbox.put(std::span(&one, 1))) one.reply(unavailable("this process is stopping"));
  };
  hooks.on_failure = [this](const Error& error) { fail(error); };
  options.kafka->address = options.address;
  kafka = TRY(KafkaSide::open(*options.kafka, data.mirror(), std::move(hooks)));
  log = &kafka->log();
  keys = &kafka->keys();
  claims_read = true;  // those of a mirror that was here already
  return {};
}

Result<void> EngineHost::Impl::open_notaries(const DataDirectory& data) {
  if (!options.notary) return {};
  NotaryHost::Surroundings given{.files = *options.files,
                                 .log = *log,
                                 .partitions = static_cast<uint32_t>(places.size()),
                                 .directory = data.notary(),
                                 .is_written =
                                     [this](PartitionId id) {
                                       const std::scoped_lock lock(state_mutex);
                                       return places[id.value].writer;
                                     },
                                 .publish = {}};
  if (kafka) {
    heads_topic = TRY(KafkaPublisher::make({.connection = options.kafka->connection}));
    const std::string topic = kafka_topic_name(options.kafka->prefix, "checkpoints");
    given.publish = [this, topic](const SignedHead& head, const KafkaPublisher::Delivered& done) {
      KafkaOutgoing message{.topic = topic,
                            .partition = 0,
                            .key = head.checkpoint.origin,
                            .value = head.note(),
                            .headers = {}};
      const Result<void> taken = heads_topic->publish(std::move(message), done);
      if (!taken) done(taken);
    };
  }
  notaries = TRY(NotaryHost::open(std::move(given), *options.notary));
  return {};
}

Result<std::string> EngineHost::Impl::log_id(PartitionId partition) const {
  return log->log_id(partition);
}

void EngineHost::Impl::open_eraser() {
  eraser.emplace(Eraser::Surroundings{
                     .log = *log,
                     .log_id = [this](PartitionId partition) { return log_id(partition); },
                     .keys = *keys,
                     .post = [this](std::function<void()> job) { mailbox.post(std::move(job)); },
                     .on_failure = [this](const Error& error) { fail(error); }},
                 kafka ? options.kafka->partitions : 1);
}

void EngineHost::Impl::surround() {
  around.emplace(OwnedPartition::Surroundings{
      .log = *log,
      .rulebooks = rulebooks,
      .catalog = *catalog,
      .host = {
          .post = [this](std::function<void()> job) { mailbox.post(std::move(job)); },
          .run_aside =
              [this](std::function<void()> job) { CHECK(helpers->submit(std::move(job))); },
          .run_in_background =
              [this](std::function<void()> job) { CHECK(background->submit(std::move(job))); }},
      .writer = writer_of(options.address, build_of(*catalog), now()),
      .polls = {},
      .assigned_since = {},
      .on_writer = {},
      .on_doubt = {}});
  around->host.tell_services = [this](std::shared_ptr<const Services> told) {
    const std::scoped_lock lock(services_mutex);
    services = std::move(told);
  };
  around->host.services = [this] {
    const std::scoped_lock lock(services_mutex);
    return services;
  };
  around->host.person_key = [this](std::string_view user) {
    const auto key = keys->find(user);
    return key ? std::optional(name_of(*key)) : std::nullopt;
  };
  if (!kafka) return;
  around->host.settled_below = [this](PartitionId id) { return kafka->settled_below(id); };
  around->polls = [this] { return kafka->polls(); };
  around->assigned_since = [this](PartitionId id, uint64_t polls) {
    return kafka->assigned_since(id, polls);
  };
  around->on_writer = [this](PartitionId id, uint64_t settled, std::chrono::milliseconds took) {
    spdlog::info("event=claimed partition={} decisions={} settled={} took_ms={}", id.value,
                 places[id.value].owned->partition().next_number().value, settled, took.count());
    // Nothing is decided here before what the last writer may have left to be destroyed is.
    eraser->catch_up(id, [this, id, settled] {
      if (places[id.value].owned->partition().is_writer()) kafka->start(id, settled);
    });
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
    log_replay(id, *store, *log);
    const auto open = kafka ? OwnedPartition::open_following : OwnedPartition::open_writing;
    place.owned = TRY(open(*around, std::move(store), opening, now()));
    place.at_open = place.owned->partition().durable();
    place.durable = place.at_open.value;
    place.followed.advance(place.at_open);
  }
  return {};
}

void EngineHost::Impl::log_read_models() const {
  if (!models) return;
  if (!models->restarted().empty()) {
    spdlog::warn("event=read_models_rebuilt reason=\"{}\"", models->restarted());
  }
  for (const Place& place : places) {
    const Number applied = models->applied(place.owned->id());
    if (applied >= place.at_open) continue;
    spdlog::info("event=read_models_behind partition={} applied={} decisions={}",
                 place.owned->id().value, applied.value, place.at_open.value);
  }
}

Partitions EngineHost::Impl::partitions() const {
  Partitions ids;
  for (const Place& place : places) ids.push_back(place.owned->id());
  return ids;
}

Result<void> EngineHost::Impl::open() {
  DataDirectory data = TRY(DataDirectory::create(options.data_directory));
  rulebooks = TRY(builtin_rulebooks());
  catalog = TRY(open_catalog(options.catalog));
  TRY(options.kafka ? open_kafka(data) : open_segments(data));
  unsealer.emplace(*keys);
  helpers = std::make_unique<WorkPool>(kHelperThreads, SIZE_MAX);
  background = std::make_unique<WorkPool>(1, SIZE_MAX, WorkPool::Priority::kLow);
  open_eraser();
  surround();
  TRY(open_partitions(data));
  // Over Kafka whoever writes a partition does it.
  if (segments) TRY(carry_out_erasures(*log, TRY(log_id({})), {}, *keys));
  // After the claim: the read models keep the log's id, which the first claim names.
  if (options.follow) models = TRY(ReadModels::open(data.read_models(), *log, partitions()));
  log_read_models();
  advance();
  publish();
  TRY(open_notaries(data));
  engine = std::thread([this] { run_engine(); });
  if (options.follow) projector = std::thread([this] { run_projector(); });
  if (segments) scrub = std::make_unique<LogScrub>(*options.files, data.log(), options.scrub);
  return kafka ? kafka->join(*unsealer) : Result<void>{};
}

Result<void> EngineHost::Impl::close() {
  {
    std::lock_guard lock(state_mutex);
    if (closed || !engine.joinable()) return {};
    closed = true;
  }
  if (scrub) scrub->stop();
  if (kafka) kafka->leave();
  mailbox.close();
  engine.join();
  eraser->stop();
  for (Place& place : places) {
    const Partition& partition = place.owned->partition();
    if (!partition.is_writer() || !eraser->is_done(place.owned->id())) continue;
    const auto id = log_id(place.owned->id());
    if (id) (void)mark_erasures(*id, place.owned->id(), partition.durable(), *keys);
  }
  helpers.reset();
  background.reset();
  Result<void> stopped = kafka ? kafka->log().close() : segments->close();
  if (notaries) notaries->stop();
  // What a full disk kept waiting has failed now; this thread takes the engine's place to say so.
  Mailbox::Content content;
  mailbox.take({}, content);
  for (auto& job : content.jobs) job();
  publish();
  // Then the next start reads no tail. The log has everything all the same.
  for (Place& place : places) {
    const Result<void> saved = place.owned->partition().save();
    if (!saved) spdlog::warn("event=state_not_saved {}", saved.error().message);
  }
  {
    std::lock_guard lock(projector_mutex);
    projector_stops = true;
    projector_wakes.notify_one();
  }
  if (projector.joinable()) projector.join();
  for (Place& place : places) {
    place.waiters.give_up();
    place.followed.give_up();
  }
  return stopped;
}

}  // namespace tenure
