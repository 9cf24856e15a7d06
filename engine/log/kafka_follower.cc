#include "engine/log/kafka_follower.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/log/log_directory.h"

namespace tenure {
namespace {

constexpr auto kRound = std::chrono::milliseconds(100);
constexpr auto kDiskPause = std::chrono::seconds(1);

bool begins_with(std::span<const std::byte> value, std::span<const std::byte> start) {
  return value.size() >= start.size() && std::ranges::equal(value.first(start.size()), start);
}

}  // namespace

KafkaFollower::KafkaFollower(FollowerOptions options, std::unique_ptr<KafkaConsumer> consumer)
    : options_(std::move(options)),
      consumer_(std::move(consumer)),
      followed_(options_.partitions),
      thread_([this] { run(); }) {}

KafkaFollower::~KafkaFollower() {
  {
    const std::scoped_lock lock(ending_mutex_);
    ending_ = true;
  }
  ends_.notify_all();
  thread_.join();
  for (uint32_t partition = 0; partition < options_.partitions; ++partition) {
    if (followed_[partition].started) consumer_->stop({partition});
  }
}

Result<void> KafkaFollower::check_partition(PartitionId partition) const {
  if (partition.value < options_.partitions) return {};
  return fail(ErrorKind::kInvalid,
              fmt::format("no partition {}: the log has {}", partition.value, options_.partitions));
}

Result<KafkaConsumer::Extent> KafkaFollower::check_extent(PartitionId partition,
                                                          Offset expected) const {
  const auto deadline = std::chrono::steady_clock::now() + options_.patience;
  auto extent = TRY(consumer_->extent(partition));
  while (extent.end < expected && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kRound);
    extent = TRY(consumer_->extent(partition));
  }
  if (extent.begin.value == 0) return extent;
  return fail(ErrorKind::kCorrupt,
              fmt::format("partition {} of topic {} begins at offset {} instead of 0: its first "
                          "records were deleted; restore the topic from a backup, and set its "
                          "retention as `tenure kafka topics` says",
                          partition.value, options_.topic, extent.begin.value));
}

Result<KafkaMirror*> KafkaFollower::mirror(PartitionId partition) const {
  TRY(check_partition(partition));
  if (KafkaMirror* mirror = followed_[partition.value].mirror) return mirror;
  return fail(ErrorKind::kInvalid,
              fmt::format("this process does not follow partition {}", partition.value));
}

Number KafkaFollower::known_decisions(PartitionId partition) const {
  return {followed_[partition.value].known_decisions};
}

MirrorOptions KafkaFollower::mirror_options(PartitionId partition) const {
  MirrorOptions options{.store = options_.store,
                        .log = {.log_id = {},
                                .partition = partition,
                                .partitions = options_.partitions,
                                .cluster_id = options_.cluster_id},
                        .patience = options_.patience};
  options.store.directory = path_in(options_.store.directory, std::to_string(partition.value));
  options.store.use = SegmentUse::kCopy;
  return options;
}

Result<bool> KafkaFollower::is_of_kafka(PartitionId partition, const KafkaMirror& mirror) {
  TRY(check_extent(partition, mirror.next_offset()));
  const auto mine = TRY(mirror.last_value());
  if (!mine) return true;
  const auto theirs = TRY(consumer_->value_at(partition, {mirror.next_offset().value - 1}));
  return theirs && begins_with(*theirs, *mine);
}

Result<void> KafkaFollower::open_mirror(PartitionId partition, Followed& followed) {
  const MirrorOptions options = mirror_options(partition);
  auto mirror = TRY(KafkaMirror::open(options));
  if (!TRY(is_of_kafka(partition, *mirror))) {
    const LogMark end = mirror->state().end;
    followed.known_decisions = end.next_number;
    mirror.reset();
    TRY(KafkaMirror::remove(options.store));
    mirror = TRY(KafkaMirror::open(
        options, fmt::format("its last record, at offset {}, is not the one that Kafka has there",
                             end.next_offset - 1)));
  }
  followed.owned = std::move(mirror);
  return {};
}

Result<void> KafkaFollower::attach(PartitionId partition, Followed& followed, bool first) {
  if (first) {
    TRY(open_mirror(partition, followed));
  } else if (!TRY(is_of_kafka(partition, *followed.owned))) {
    const Error lost{
        ErrorKind::kCorrupt,
        fmt::format("partition {} of topic {} does not hold the record at offset {} any more that "
                    "was read there: records were lost; restore the topic from a backup",
                    partition.value, options_.topic, followed.owned->next_offset().value - 1)};
    stop_mirror(partition, followed, lost);
    return std::unexpected(lost);
  }
  followed.owned->know(TRY(consumer_->extent(partition)).end);
  return consumer_->start(partition, followed.owned->next_offset());
}

Result<void> KafkaFollower::follow(PartitionId partition) {
  TRY(check_partition(partition));
  const std::scoped_lock one(following_);
  Followed& followed = followed_[partition.value];
  const std::scoped_lock lock(followed.mutex);
  if (followed.started) return {};
  TRY(attach(partition, followed, followed.owned == nullptr));
  followed.following = followed.started = true;
  followed.mirror = followed.owned.get();
  return {};
}

void KafkaFollower::unfollow(PartitionId partition) {
  const std::scoped_lock one(following_);
  Followed& followed = followed_[partition.value];
  if (!std::exchange(followed.started, false)) return;
  {
    const std::scoped_lock lock(followed.mutex);
    followed.following = false;
  }
  consumer_->stop(partition);
}

void KafkaFollower::stop_mirror(PartitionId partition, Followed& followed, const Error& error) {
  (void)followed.owned->flush();  // what came before is good
  followed.owned->stop(error);
  if (options_.on_mirrored) options_.on_mirrored(partition);
}

// A full disk is waited for: nothing is lost, Kafka has it.
template <class Write>
Result<void> KafkaFollower::with_patience(Write write) {
  while (true) {
    auto written = write();
    if (written || written.error().kind != ErrorKind::kUnavailable) return written;
    std::unique_lock lock(ending_mutex_);
    if (ends_.wait_for(lock, kDiskPause, [this] { return ending_; })) return written;
  }
}

void KafkaFollower::take(const KafkaMessage& message) {
  Followed& followed = followed_[message.partition.value];
  const std::scoped_lock lock(followed.mutex);
  if (!followed.following) return;
  if (message.error && message.error->kind != ErrorKind::kCorrupt) return;
  const auto taken =
      message.error
          ? Result<void>(std::unexpected(*message.error))
          : with_patience([&] { return followed.owned->take(message.offset, message.value); });
  followed.touched = true;
  if (taken) return;
  followed.following = false;
  stop_mirror(message.partition, followed, taken.error());
}

void KafkaFollower::flush(PartitionId partition, Followed& followed) {
  const std::scoped_lock lock(followed.mutex);
  if (!std::exchange(followed.touched, false)) return;
  if (auto flushed = with_patience([&] { return followed.owned->flush(); }); !flushed) {
    followed.following = false;
    stop_mirror(partition, followed, flushed.error());
    return;
  }
  const auto state = followed.owned->state();
  if (state.owner && state.owner->stamp > followed.claim) {
    followed.claim = state.owner->stamp;
    if (options_.on_claim) options_.on_claim(partition, *state.owner);
  }
  if (options_.on_mirrored) options_.on_mirrored(partition);
}

void KafkaFollower::run() {
  while (true) {
    {
      const std::scoped_lock lock(ending_mutex_);
      if (ending_) return;
    }
    if (!consumer_->poll(kRound, [this](const KafkaMessage& message) { take(message); })) continue;
    for (uint32_t partition = 0; partition < options_.partitions; ++partition) {
      flush({partition}, followed_[partition]);
    }
  }
}

}  // namespace tenure
