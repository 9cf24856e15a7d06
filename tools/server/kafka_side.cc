#include "tools/server/kafka_side.h"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <mutex>

#include "engine/log/log_directory.h"
#include "tools/server/ingress_proof.h"

namespace tenure {
namespace {

// How long a rebalance waits for sessions to end, and a client for a decision.
constexpr std::chrono::seconds kRevokePatience{20};
constexpr std::chrono::seconds kAnswerPatience{10};

void tell(const Error& error) { spdlog::warn("event=kafka error=\"{}\"", error.message); }

// Waits until it was counted down.
class Countdown {
 public:
  explicit Countdown(size_t count) : left_(count) {}
  void down() {
    const std::scoped_lock lock(mutex_);
    if (--left_ == 0) done_.notify_all();
  }
  bool wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, patience, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  size_t left_;
};

}  // namespace

Result<std::unique_ptr<KafkaSide>> KafkaSide::open(const KafkaSideOptions& options,
                                                   const std::string& directory, Hooks hooks) {
  std::unique_ptr<KafkaSide> side(new KafkaSide(options, std::move(hooks)));
  KafkaLogOptions log;
  log.connection = options.connection;
  log.topic = options.prefix + ".log";
  log.partitions = options.partitions;
  for (uint32_t id = 0; id < options.partitions; ++id) log.follow.push_back({id});
  log.mirror.directory = directory;
  log.mirror.holder = lock_holder("tenure serve", options.address);
  log.mirror.segment_bytes = options.segment_bytes;
  log.on_change = [side = side.get()](PartitionId) { side->hooks_.on_change(); };
  log.on_claim = [side = side.get()](PartitionId) { side->hooks_.on_claim(); };
  side->log_ = TRY(KafkaLog::open(std::move(log)));
  KafkaKeysOptions keys;
  keys.connection = options.connection;
  keys.prefix = options.prefix;
  keys.on_error = tell;
  keys.on_failure = side->hooks_.on_failure;
  side->keys_ = TRY(KafkaKeys::open(std::move(keys)));
  return side;
}

KafkaSide::~KafkaSide() { leave(); }

Result<void> KafkaSide::join(const Unsealer& unsealer) {
  KafkaRequestsOptions requests;
  requests.connection = options_.connection;
  requests.prefix = options_.prefix;
  requests.partitions = options_.partitions;
  const PersonKey key = TRY(ingress_key(*keys_));
  requests.ingress_key = key;
  requests.on_error = tell;
  requests_ = TRY(KafkaRequests::open(std::move(requests)));
  if (!options_.owns) return {};
  KafkaIntakeOptions intake;
  intake.connection = options_.connection;
  intake.prefix = options_.prefix;
  intake.group = options_.prefix + "-engine";
  intake.partitions = options_.partitions;
  intake.keys = keys_.get();
  intake.ingress_key = key;
  intake.unsealer = &unsealer;
  intake.session_timeout = options_.session_timeout;
  KafkaIntakeHooks hooks;
  hooks.on_assigned = [this](std::span<const PartitionId> partitions) {
    for (const PartitionId partition : partitions) hooks_.assign(partition);
  };
  hooks.on_revoked = [this](std::span<const PartitionId> partitions, bool) { revoke(partitions); };
  hooks.submit = hooks_.submit;
  hooks.on_error = tell;
  intake_ = TRY(KafkaIntake::open(std::move(intake), std::move(hooks)));
  joined_ = intake_.get();
  return {};
}

void KafkaSide::revoke(std::span<const PartitionId> partitions) {
  auto countdown = std::make_shared<Countdown>(partitions.size());
  for (const PartitionId partition : partitions) {
    hooks_.revoke(partition, [countdown] { countdown->down(); });
  }
  if (!partitions.empty() && !countdown->wait(kRevokePatience)) {
    spdlog::warn("event=revoke error=\"sessions did not end within {} s\"",
                 kRevokePatience.count());
  }
}

uint64_t KafkaSide::polls() const {
  const KafkaIntake* intake = joined_;
  return intake == nullptr ? 0 : intake->polls();
}

bool KafkaSide::assigned_since(PartitionId partition, uint64_t polls) const {
  const KafkaIntake* intake = joined_;
  return intake != nullptr && intake->assigned_since(partition, polls);
}

uint64_t KafkaSide::settled_below(PartitionId partition) const {
  const KafkaIntake* intake = joined_;
  const auto settled = intake == nullptr ? std::nullopt : intake->settled_below(partition);
  return settled ? settled->value : 0;
}

void KafkaSide::start(PartitionId partition, uint64_t settled) {
  KafkaIntake* intake = joined_;
  if (intake != nullptr) intake->start(partition, Offset{settled});
}

void KafkaSide::send(CommandBytes command, const Reply& reply) {
  requests_->send(std::move(command), reply, std::chrono::steady_clock::now() + kAnswerPatience);
}

void KafkaSide::leave() {
  if (intake_) intake_->close();
  if (requests_) requests_->close();
}

}  // namespace tenure
