#include "tools/server/kafka_intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "engine/base/murmur2.h"
#include "tools/server/kafka_outbox.h"

namespace tenure {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPollPatience(100);
constexpr milliseconds kTurn(10);  // how often partitions are looked after under load
constexpr milliseconds kRoomPatience(200);
constexpr milliseconds kFirstBackoff(50), kLongestBackoff(5'000);
constexpr unsigned kFailuresToReport = 40;

// One assigned partition. Of the intake's thread, but for `window`.
struct Assigned {
  enum class Phase : uint8_t {
    kIdle,      // its owner has not claimed it
    kStarting,  // to begin as soon as it can: at the group's offset, or `from`
    kRunning,
    kFull,      // paused until there is room
    kTroubled,  // paused, then to begin again at the lowest unsettled message
  };
  Phase phase = Phase::kIdle;
  std::shared_ptr<KafkaLane> window;
  Offset from;
  Steady::time_point at{};  // of kStarting, kTroubled: when to try
  milliseconds backoff{0};
  unsigned failures = 0;              // to begin
  std::optional<Offset> troubled_at;  // the lowest unsettled message then
  std::optional<Offset> committed;
};

struct Wish {
  PartitionId partition;
  std::optional<Offset> start;  // else stop
};

}  // namespace

struct KafkaIntake::Impl {
  KafkaIntakeOptions options;
  KafkaIntakeHooks hooks;
  std::shared_ptr<KafkaOutbox> outbox;
  std::unique_ptr<KafkaGroup> group;
  std::optional<KafkaCommandReader> reader;
  std::map<PartitionId, Assigned> assigned;  // of the own thread
  Steady::time_point commit_at{}, turn_at{};

  mutable std::mutex mutex;  // of these
  std::vector<Wish> requests;
  std::map<PartitionId, std::shared_ptr<KafkaLane>> windows;  // of the assigned

  std::atomic<uint64_t> polls = 0, read = 0, submitted = 0, forwarded = 0, quarantined = 0,
                        read_again = 0, commits = 0;
  std::atomic<bool> closing = false;
  std::thread thread;

  KafkaGroup::Hooks group_hooks();
  void loop();
  void turn();
  void follow_requests();
  void look_after(PartitionId partition, Assigned& one);
  Result<void> begin(PartitionId partition, Assigned& one);
  void went_wrong(PartitionId partition, Assigned& one);
  void take(KafkaIncoming& message);
  void handle(KafkaIncoming& message, KafkaOutbox::Place place);
  KafkaGroup::Offsets to_commit(std::span<const PartitionId> partitions);
  void commit();
  void on_assigned(std::span<const PartitionId> partitions);
  void on_revoked(std::span<const PartitionId> partitions, bool lost);
};

// --- the group ---

KafkaGroup::Hooks KafkaIntake::Impl::group_hooks() {
  return {.on_assigned = [this](auto partitions) { on_assigned(partitions); },
          .on_revoked = [this](auto partitions, bool lost) { on_revoked(partitions, lost); },
          .on_commit_failed =
              [this](auto partitions) {
                for (const PartitionId each : partitions) {
                  const auto at = assigned.find(each);
                  if (at != assigned.end()) at->second.committed.reset();
                }
              },
          .on_error = hooks.on_error};
}

void KafkaIntake::Impl::on_assigned(std::span<const PartitionId> partitions) {
  if (partitions.empty()) return;
  {
    const std::scoped_lock lock(mutex);
    for (const PartitionId each : partitions) {
      auto window = std::make_shared<KafkaLane>(options.limits);
      windows[each] = window;
      assigned[each] = {};
      assigned[each].window = std::move(window);
    }
  }
  hooks.on_assigned(partitions);
}

// What the ended sessions answered goes out and is committed, so the next owner need not repeat it.
void KafkaIntake::Impl::on_revoked(std::span<const PartitionId> partitions, bool lost) {
  if (partitions.empty()) return;
  hooks.on_revoked(partitions, lost);
  if (!lost) {
    const auto deadline = Steady::now() + options.revoke_patience;
    for (const PartitionId each : partitions) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - Steady::now());
      const auto at = assigned.find(each);
      if (at != assigned.end()) at->second.window->wait_published(std::max(left, milliseconds(0)));
    }
    if (const auto offsets = to_commit(partitions); !offsets.empty()) {
      if (const auto done = group->commit_and_wait(offsets); !done) hooks.on_error(done.error());
      commits += 1;
    }
  }
  const std::scoped_lock lock(mutex);
  for (const PartitionId each : partitions) {
    windows.erase(each);
    assigned.erase(each);
  }
}

KafkaGroup::Offsets KafkaIntake::Impl::to_commit(std::span<const PartitionId> partitions) {
  KafkaGroup::Offsets offsets;
  for (const PartitionId each : partitions) {
    const auto at = assigned.find(each);
    if (at == assigned.end()) continue;
    const auto settled = at->second.window->settled_below();
    if (!settled || settled == at->second.committed) continue;
    at->second.committed = settled;
    offsets.emplace_back(each, *settled);
  }
  return offsets;
}

void KafkaIntake::Impl::commit() {
  std::vector<PartitionId> partitions;
  partitions.reserve(assigned.size());
  for (const auto& [partition, _] : assigned) partitions.push_back(partition);
  const auto offsets = to_commit(partitions);
  if (offsets.empty()) return;
  group->commit(offsets);
  commits += 1;
}

// --- the thread ---

void KafkaIntake::Impl::loop() {
  const auto on_message = [this](KafkaIncoming& message) { take(message); };
  while (!closing) {
    const bool came = group->poll(kPollPatience, on_message);
    polls += 1;
    if (!came || Steady::now() >= turn_at) turn();
  }
  group->close();
}

void KafkaIntake::Impl::turn() {
  follow_requests();
  for (auto& [partition, one] : assigned) look_after(partition, one);
  const auto now = Steady::now();
  turn_at = now + kTurn;
  if (now < commit_at) return;
  commit();
  commit_at = now + options.commit_every;
}

void KafkaIntake::Impl::follow_requests() {
  std::vector<Wish> taken;
  {
    const std::scoped_lock lock(mutex);
    taken.swap(requests);
  }
  for (const Wish& each : taken) {
    const auto at = assigned.find(each.partition);
    if (at == assigned.end()) continue;
    Assigned& one = at->second;
    if (one.phase != Assigned::Phase::kIdle) group->pause(each.partition);
    one.phase = each.start ? Assigned::Phase::kStarting : Assigned::Phase::kIdle;
    one.backoff = milliseconds(0);
    one.at = {};
    if (each.start) one.from = *each.start;
  }
}

void KafkaIntake::Impl::look_after(PartitionId partition, Assigned& one) {
  using Phase = Assigned::Phase;
  switch (one.phase) {
    case Phase::kIdle:
      return;
    case Phase::kStarting:
    case Phase::kTroubled:
      if (Steady::now() < one.at) return;
      if (const auto begun = begin(partition, one); !begun) {
        one.at = Steady::now() + kFirstBackoff;
        // The first ones are usual: the library has not begun with the partition yet.
        if (++one.failures % kFailuresToReport == 0) hooks.on_error(begun.error());
      }
      return;
    case Phase::kFull:
      if (one.window->troubled()) return went_wrong(partition, one);
      if (one.window->has_room_again() && group->begin(partition, one.window->next())) {
        one.phase = Phase::kRunning;
      }
      return;
    case Phase::kRunning:
      if (one.window->troubled()) went_wrong(partition, one);
      return;
  }
}

// A message that was not decided holds up all behind it, as what one organization sent must be
// decided in that order.
void KafkaIntake::Impl::went_wrong(PartitionId partition, Assigned& one) {
  group->pause(partition);
  one.phase = Assigned::Phase::kTroubled;
  const auto stuck_at = one.window->settled_below();
  const bool moved = one.troubled_at != stuck_at;
  one.backoff = moved ? kFirstBackoff : std::min(one.backoff * 2, kLongestBackoff);
  one.troubled_at = stuck_at;
  one.at = Steady::now() + one.backoff;
  read_again += 1;
}

Result<void> KafkaIntake::Impl::begin(PartitionId partition, Assigned& one) {
  Offset from = one.from;
  if (one.phase == Assigned::Phase::kTroubled) {
    from = one.window->settled_below().value_or(one.from);
  } else {
    // A commit on its way would be missed.
    const auto own = one.window->settled_below();
    if (const auto committed = TRY(group->committed(partition))) from = *committed;
    if (own && *own > from) from = *own;
  }
  // Before the first message can come.
  one.window->restart(from);
  TRY(group->begin(partition, from));
  one.phase = Assigned::Phase::kRunning;
  one.failures = 0;
  return {};
}

// --- a message ---

void KafkaIntake::Impl::take(KafkaIncoming& message) {
  const auto at = assigned.find(message.partition);
  if (at == assigned.end() || at->second.phase != Assigned::Phase::kRunning) return;
  Assigned& one = at->second;
  if (message.offset < one.window->next()) return;
  // A short wait for room costs less than a pause, which throws away what was fetched.
  if (!one.window->wait_for_room(kRoomPatience)) {
    group->pause(message.partition);
    one.phase = Assigned::Phase::kFull;
    if (one.window->troubled()) went_wrong(message.partition, one);
    return;
  }
  read += 1;
  handle(message, {one.window, one.window->admit(message.offset, message.value.size())});
}

void KafkaIntake::Impl::handle(KafkaIncoming& message, KafkaOutbox::Place place) {
  const KafkaCommandTopics& topics = outbox->topics();
  auto command = reader->read(message);
  const std::string org = command ? command->get().org()->str() : organization_named(message);
  const uint32_t home =
      org.empty() ? message.partition.value : partition_of(org, topics.partitions);
  if (home != message.partition.value) {
    const bool fits = message.value.size() + message.key.size() < kMaxKafkaMessage;
    if (!was_forwarded(message) && fits) {
      forwarded += 1;
      return outbox->send(place, tenure::forwarded(message, home, topics));
    }
    if (command) {
      command = std::unexpected(Undecided{
          400, "malformed",
          fmt::format("of partition {}, and came to another one after it was forwarded", home)});
    }
  }
  if (command) command = seal_on_arrival(*options.keys, *std::move(command));
  if (!command && command.error().status == 503) {
    hooks.on_error({ErrorKind::kUnavailable, command.error().message});
    return place.lane->trouble(place.ticket);
  }
  std::optional<KafkaOutgoing> kept;
  if (!command) {
    quarantined += 1;
    kept = tenure::quarantined(message, command.error(), topics);
    command = unreadable_message(message, command.error(), topics);
  }
  submitted += 1;
  auto reply = outbox->reply(std::move(place), command->get().id()->str(), reply_to_of(message),
                             std::move(kept));
  hooks.submit(message.partition, *std::move(command), message.offset, std::move(reply));
}

// --- the intake ---

KafkaIntake::KafkaIntake(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaIntake::~KafkaIntake() { close(); }

Result<std::unique_ptr<KafkaIntake>> KafkaIntake::open(KafkaIntakeOptions options,
                                                       KafkaIntakeHooks hooks) {
  auto topics = TRY(find_command_topics(options.connection, options.prefix, options.partitions));
  auto publisher = TRY(KafkaPublisher::make({.connection = options.connection}));
  auto impl = std::make_unique<Impl>();
  Impl& self = *impl;
  self.reader.emplace(options.ingress_key);
  self.outbox = std::make_shared<KafkaOutbox>(
      KafkaOutbox::Options{std::move(topics), options.unsealer, hooks.on_error},
      std::move(publisher));
  self.options = std::move(options);
  self.hooks = std::move(hooks);
  std::unique_ptr<KafkaIntake> intake(new KafkaIntake(std::move(impl)));
  self.group = TRY(KafkaGroup::make({.connection = self.options.connection,
                                     .topic = self.outbox->topics().commands,
                                     .group = self.options.group,
                                     .session_timeout = self.options.session_timeout,
                                     .max_poll_interval = self.options.max_poll_interval},
                                    self.group_hooks()));
  self.thread = std::thread([&self] { self.loop(); });
  return intake;
}

void KafkaIntake::start(PartitionId partition, Offset from) {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->requests.push_back({partition, from});
  }
  impl_->group->wake();
}

void KafkaIntake::stop(PartitionId partition) {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->requests.push_back({partition, std::nullopt});
  }
  impl_->group->wake();
}

uint64_t KafkaIntake::polls() const { return impl_->polls; }

// The poll that was under way then may have begun before: the one after it counts.
bool KafkaIntake::assigned_since(PartitionId partition, uint64_t polls) const {
  if (impl_->polls < polls + 2 || impl_->group->lost()) return false;
  const std::scoped_lock lock(impl_->mutex);
  return impl_->windows.contains(partition);
}

std::optional<Offset> KafkaIntake::settled_below(PartitionId partition) const {
  const std::scoped_lock lock(impl_->mutex);
  const auto at = impl_->windows.find(partition);
  return at == impl_->windows.end() ? std::nullopt : at->second->settled_below();
}

KafkaIntakeStats KafkaIntake::stats() const {
  KafkaIntakeStats stats{.read = impl_->read,
                         .submitted = impl_->submitted,
                         .forwarded = impl_->forwarded,
                         .quarantined = impl_->quarantined,
                         .read_again = impl_->read_again,
                         .commits = impl_->commits};
  const std::scoped_lock lock(impl_->mutex);
  for (const auto& [_, window] : impl_->windows) stats.under_way += window->under_way();
  return stats;
}

void KafkaIntake::close() {
  if (!impl_->thread.joinable()) return;
  impl_->closing = true;
  impl_->group->wake();
  impl_->thread.join();
  impl_->outbox->end();
}

}  // namespace tenure
