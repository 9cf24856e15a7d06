#include "engine/log/kafka_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <future>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr auto kDrainStep = std::chrono::milliseconds(5);

FollowerOptions follower_options(const KafkaLogOptions& options, const std::string& cluster_id) {
  return {.connection = options.connection,
          .topic = options.topic,
          .cluster_id = cluster_id,
          .partitions = options.partitions,
          .store = options.mirror,
          .patience = options.patience,
          .on_mirrored = options.on_change,
          .on_claim = {}};
}

uint64_t random_tag() {
  const LogId id = random_log_id();
  uint64_t tag = 0;
  std::memcpy(&tag, id.data(), sizeof tag);
  return tag;
}

}  // namespace

// A claim on its way.
struct KafkaLog::Claim final : KafkaParcel {
  const uint64_t tag = random_tag();
  std::promise<Result<Offset>> landed;
  void reported(std::span<const std::byte>, Result<Offset> offset) override {
    landed.set_value(std::move(offset));
  }
};

Result<std::unique_ptr<KafkaLog>> KafkaLog::open(KafkaLogOptions options) {
  auto consumer = TRY(KafkaConsumer::make(options.connection, options.topic));
  auto topic = consumer->topic();
  if (!topic && topic.error().kind == ErrorKind::kNotFound) {
    return fail(ErrorKind::kNotFound,
                fmt::format("no topic {} at the Kafka brokers {}; make it by `tenure kafka topics "
                            "--create`",
                            options.topic, options.connection.brokers));
  }
  std::string cluster_id = TRY(std::move(topic)).cluster_id;
  std::unique_ptr<KafkaLog> log(
      new KafkaLog(std::move(options), std::move(cluster_id), std::move(consumer)));
  TRY(log->check_topic());
  for (const PartitionId partition : log->options_.follow) TRY(log->follow(partition));
  return log;
}

KafkaLog::KafkaLog(KafkaLogOptions options, std::string cluster_id,
                   std::unique_ptr<KafkaConsumer> consumer)
    : options_(std::move(options)),
      cluster_id_(std::move(cluster_id)),
      written_(options_.partitions) {
  FollowerOptions following = follower_options(options_, cluster_id_);
  following.on_claim = [this](PartitionId partition, const ClaimOwner& owner) {
    on_claim(partition, owner);
  };
  follower_ = std::make_unique<KafkaFollower>(std::move(following), std::move(consumer));
}

KafkaLog::~KafkaLog() {
  std::shared_ptr<KafkaProducer> producer;
  {
    const std::scoped_lock lock(mutex_);
    producer = std::move(producer_);
  }
  producer.reset();
  follower_.reset();
  for (const auto& each : delivering_) each->drop();
}

Result<void> KafkaLog::check_topic() const {
  const auto topic = TRY(follower_->consumer().topic());
  if (topic.cluster_id != cluster_id_) {
    return fail(ErrorKind::kInvalid,
                fmt::format("the brokers {} are of the Kafka cluster {} now, they were of {}; "
                            "restart tenure",
                            options_.connection.brokers, topic.cluster_id, cluster_id_));
  }
  if (topic.partitions != options_.partitions) {
    return fail(
        ErrorKind::kInvalid,
        fmt::format("topic {} has {} partitions, this process was started for {}; the "
                    "number is fixed when a log is made: start with --partitions {}, or "
                    "make a topic that nobody added partitions to",
                    options_.topic, topic.partitions, options_.partitions, topic.partitions));
  }
  return {};
}

// The mirror, with all that Kafka holds now; and Kafka holds all that was ever known durable.
Result<KafkaMirror*> KafkaLog::catch_up(PartitionId partition) {
  KafkaMirror* mirror = TRY(follower_->mirror(partition));
  TRY(check_topic());
  const auto extent = TRY(follower_->check_extent(partition, mirror->known_end()));
  if (extent.end < mirror->known_end()) {
    return fail(
        ErrorKind::kCorrupt,
        fmt::format("partition {} of topic {} ends at offset {}, but records up to {} were "
                    "durable: the log was truncated; restore the topic from a backup",
                    partition.value, options_.topic, extent.end.value, mirror->known_end().value));
  }
  mirror->know(extent.end);
  TRY(mirror->wait_for(extent.end));
  uint64_t known = follower_->known_decisions(partition).value;
  {
    const std::scoped_lock lock(mutex_);
    known = std::max(known, written_[partition.value].acknowledged.value);
  }
  const uint64_t found = mirror->state().end.next_number;
  if (found >= known) return mirror;
  return fail(
      ErrorKind::kCorrupt,
      fmt::format("partition {} of topic {} holds {} decisions, but {} were durable: the log "
                  "was truncated; restore the topic from a backup",
                  partition.value, options_.topic, found, known));
}

Result<KafkaLog::Landed> KafkaLog::write_claim(PartitionId partition, const Writer& writer,
                                               const KafkaMirror::State& at) {
  auto claim = std::make_shared<Claim>();
  claim->partition = partition;
  const ClaimingLog log{at.log_id.empty() ? to_text(random_log_id()) : at.log_id, partition,
                        options_.partitions, cluster_id_};
  const uint64_t tag = claim->tag;
  claim->bytes = claim_record(log, writer, at.end.reader(), tag);
  const ParsedRecord parsed = parse_record(claim->bytes.view(), RecordCrc::kSkip);
  claim->records = {claim->bytes.view().first(parsed.size)};
  auto landed = claim->landed.get_future();
  const auto producer = TRY(this->producer());
  TRY(producer->send(std::move(claim)));
  if (landed.wait_for(options_.patience) == std::future_status::ready) {
    return Landed{TRY(landed.get()), tag};
  }
  return fail(ErrorKind::kUnavailable,
              fmt::format("the claim of partition {} was not acknowledged within {} ms{}",
                          partition.value, options_.patience.count(), producer->last_complaint()));
}

// Reads through the own claim; whoever claimed after it has the partition.
Result<Session> KafkaLog::begin_session(PartitionId partition, KafkaMirror& mirror, Landed claim) {
  mirror.know(claim.at.next());
  TRY(mirror.wait_for(claim.at.next()));
  const Stamp stamp{claim.at.value + 1};
  const auto superseded = [&](const ClaimOwner& owner) {
    return fail(ErrorKind::kConflict,
                fmt::format("process {} claimed partition {} at offset {}, after this one at {}",
                            owner.process, partition.value, owner.stamp.value - 1, claim.at.value));
  };
  const auto owner = mirror.state().owner;
  if (owner && owner->stamp > stamp) return superseded(*owner);
  if (!owner || owner->stamp < stamp || owner->tag != claim.tag) {
    return fail(ErrorKind::kConflict,
                fmt::format("the brokers acknowledged the claim of partition {} at offset {} and "
                            "lost it",
                            partition.value, claim.at.value));
  }
  const Session session{stamp, owner->next, claim.tag};
  auto opened = std::make_shared<KafkaSession>(
      partition, session,
      [this, partition](ReaderPosition end) { on_acknowledged(partition, end); });
  {
    const std::scoped_lock lock(mutex_);
    written_[partition.value].session = opened;
    delivering_.push_back(opened);
  }
  // The follower may have met another claim before it could know of the session.
  if (const auto now = mirror.state().owner; now->stamp != stamp) {
    auto why = superseded(*now);
    opened->doubt(why.error());
    return why;
  }
  return session;
}

Result<Session> KafkaLog::open_writer(PartitionId partition, const Writer& writer) {
  TRY(follower_->check_partition(partition));
  const std::scoped_lock one(claiming_);
  end_session(partition, {ErrorKind::kConflict,
                          fmt::format("this process claims partition {} again", partition.value)});
  KafkaMirror* mirror = TRY(catch_up(partition));
  const Landed claim = TRY(write_claim(partition, writer, mirror->state()));
  return begin_session(partition, *mirror, claim);
}

void KafkaLog::append(PartitionId partition, Batch batch, Done done) {
  std::shared_ptr<KafkaSession> session;
  std::shared_ptr<KafkaProducer> producer;
  {
    const std::scoped_lock lock(mutex_);
    session = written_[partition.value].session;
    producer = producer_;
  }
  CHECK(session && producer);
  session->append(std::move(batch), std::move(done), *producer);
}

// Made at the first claim, and anew at the first one after a fatal error.
Result<std::shared_ptr<KafkaProducer>> KafkaLog::producer() {
  std::shared_ptr<KafkaProducer> old;
  {
    const std::scoped_lock lock(mutex_);
    if (producer_ && !producer_->dead()) return producer_;
    old = std::move(producer_);
  }
  old.reset();
  KafkaProducer::Hooks hooks{.each_round = [this] { deliver(); },
                             .on_fatal = [this](const Error& error) { on_fatal(error); }};
  std::shared_ptr<KafkaProducer> made =
      TRY(KafkaProducer::make(options_.connection, options_.topic, std::move(hooks)));
  const std::scoped_lock lock(mutex_);
  producer_ = made;
  return made;
}

std::shared_ptr<KafkaSession> KafkaLog::session(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  return written_[partition.value].session;
}

void KafkaLog::end_session(PartitionId partition, Error why) {
  const auto ending = session(partition);
  if (!ending) return;
  ending->doubt(std::move(why));
  const std::scoped_lock lock(mutex_);
  if (producer_) producer_->wake();
}

void KafkaLog::on_claim(PartitionId partition, const ClaimOwner& owner) {
  if (options_.on_claim) options_.on_claim(partition);
  const auto own = session(partition);
  if (!own || own->session().stamp >= owner.stamp) return;
  end_session(partition, {ErrorKind::kConflict,
                          fmt::format("process {} claimed partition {} at offset {}", owner.process,
                                      partition.value, owner.stamp.value - 1)});
}

void KafkaLog::on_acknowledged(PartitionId partition, ReaderPosition end) {
  (*follower_->mirror(partition))->know(end.next_offset);
  const std::scoped_lock lock(mutex_);
  Number& acknowledged = written_[partition.value].acknowledged;
  acknowledged = std::max(acknowledged, end.next_number);
}

void KafkaLog::on_fatal(const Error& error) {
  const std::scoped_lock lock(mutex_);
  for (const auto& each : delivering_) each->doubt({ErrorKind::kConflict, error.message});
}

// True while something is in flight.
bool KafkaLog::deliver() {
  std::vector<std::shared_ptr<KafkaSession>> sessions;
  {
    const std::scoped_lock lock(mutex_);
    sessions = delivering_;
  }
  bool in_flight = false;
  for (const auto& each : sessions) {
    const bool more = each->deliver();
    in_flight = in_flight || more;
    if (more || !each->ended()) continue;
    const std::scoped_lock lock(mutex_);
    if (written_[each->partition().value].session != each) std::erase(delivering_, each);
  }
  return in_flight;
}

std::optional<std::string> KafkaLog::refusal() const {
  for (uint32_t partition = 0; partition < options_.partitions; ++partition) {
    const auto mirror = follower_->mirror({partition});
    if (!mirror) continue;
    if (auto why = (*mirror)->refusal()) return why;
  }
  return std::nullopt;
}

Result<std::unique_ptr<RecordCursor>> KafkaLog::read(PartitionId partition, Offset from) {
  return TRY(follower_->mirror(partition))->read(from);
}

Result<Offset> KafkaLog::find(PartitionId partition, Number number) {
  return TRY(follower_->mirror(partition))->find(number);
}

Offset KafkaLog::durable_end(PartitionId partition) const {
  const auto mirror = follower_->mirror(partition);
  if (!mirror) return {};
  return std::max((*mirror)->mirrored_end(), (*mirror)->known_end());
}

Result<KafkaPartitionStatus> KafkaLog::status(PartitionId partition) const {
  const KafkaMirror* mirror = TRY(follower_->mirror(partition));
  auto state = mirror->state();
  return KafkaPartitionStatus{.mirrored = state.end,
                              .durable_end = durable_end(partition),
                              .log_id = std::move(state.log_id),
                              .owner = std::move(state.owner),
                              .stopped = std::move(state.stopped),
                              .rebuilt = mirror->rebuilt()};
}

std::optional<Error> KafkaLog::session_end(PartitionId partition) const {
  const auto own = session(partition);
  return own ? own->ended() : std::nullopt;
}

Result<void> KafkaLog::close() {
  const std::scoped_lock one(claiming_);
  std::shared_ptr<KafkaProducer> producer;
  {
    const std::scoped_lock lock(mutex_);
    producer = std::move(producer_);
  }
  if (!producer) return {};
  const auto deadline = std::chrono::steady_clock::now() + options_.patience;
  while (producer->unreported() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kDrainStep);
  }
  const bool drained = producer->unreported() == 0;
  const std::string complaint = producer->last_complaint();
  producer.reset();
  const Error why{ErrorKind::kUnavailable, "not acknowledged, the log was closed" + complaint};
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& each : delivering_) each->doubt(why);
  }
  deliver();
  if (drained) return {};
  return std::unexpected(why);
}

}  // namespace tenure
