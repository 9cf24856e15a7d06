#include "tools/server/notary_host.h"

#include <spdlog/spdlog.h>

#include "engine/base/thread_name.h"

namespace tenure {
namespace {

constexpr uint64_t kDecisionsAtOnce = 4096;
constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr std::chrono::seconds kStopPatience{5};

}  // namespace

NotaryHost::NotaryHost(Surroundings around, NotarySchedule schedule, SigningKey key)
    : around_(std::move(around)), schedule_(schedule), key_(std::move(key)) {
  places_.resize(around_.partitions);
}

Result<std::unique_ptr<NotaryHost>> NotaryHost::open(Surroundings around, NotarySchedule schedule) {
  TRY(around.files.create_directory(around.directory));
  SigningKey key = TRY(SigningKey::open_or_make(around.directory + "/key.pem"));
  TRY(around.files.sync_directory(around.directory));
  std::unique_ptr<NotaryHost> host(new NotaryHost(std::move(around), schedule, std::move(key)));
  host->thread_ =
      std::jthread([self = host.get()](const std::stop_token& stop) { self->run(stop); });
  return host;
}

NotaryHost::~NotaryHost() { stop(); }

void NotaryHost::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

const Notary* NotaryHost::of(PartitionId partition) const {
  return places_[partition.value].notary.load(std::memory_order_acquire);
}

void NotaryHost::run(const std::stop_token& stop) {
  name_this_thread("tenure-notary");
  while (!stop.stop_requested()) {
    if (step_all(false, [&] { return stop.stop_requested(); })) continue;
    std::unique_lock lock(mutex_);
    wakes_.wait_for(lock, stop, kBetweenLooks, [] { return false; });
  }
  const auto deadline = std::chrono::steady_clock::now() + kStopPatience;
  while (step_all(true, [&] { return std::chrono::steady_clock::now() >= deadline; })) {
  }
  wait_for_published();
}

// True if there may be more to take in. `enough` is asked before each partition: over Kafka one may
// wait for its mirror.
bool NotaryHost::step_all(bool last_time, const std::function<bool()>& enough) {
  const Time now = SystemClock().now();
  bool more = false;
  std::string trouble, mismatch;
  for (PartitionId id{0}; id.value < places_.size(); id = {id.value + 1}) {
    if (enough()) return false;
    Place& place = places_[id.value];
    if (!last_time) place.is_written = around_.is_written(id);
    const Result<bool> stepped =
        place.ended ? std::unexpected(*place.ended) : step(place, id, now, last_time);
    if (stepped) {
      more |= *stepped;
      continue;
    }
    const Error& error = stepped.error();
    if (error.kind == ErrorKind::kCorrupt || error.kind == ErrorKind::kIo) place.ended = error;
    std::string& why = error.kind == ErrorKind::kCorrupt ? mismatch : trouble;
    if (why.empty()) why = "partition " + std::to_string(id.value) + ": " + error.message;
  }
  {
    const std::scoped_lock lock(publishing_->mutex);
    if (trouble.empty()) trouble = publishing_->error;
  }
  trouble_.see(trouble);
  mismatch_.see(mismatch);
  return more;
}

Result<bool> NotaryHost::step(Place& place, PartitionId id, Time now, bool last_time) {
  if (!place.owned) {
    NotaryOptions options{.directory = around_.directory + "/partition-" + std::to_string(id.value),
                          .every = schedule_.every,
                          .every_decisions = schedule_.every_decisions,
                          .files = &around_.files};
    auto opened = Notary::open(around_.log, id, key_, std::move(options));
    if (!opened && opened.error().kind == ErrorKind::kNotFound) return false;  // no claim yet
    place.owned = TRY(std::move(opened));
    place.notary.store(place.owned.get(), std::memory_order_release);
  }
  const bool more = TRY(place.owned->follow(kDecisionsAtOnce));
  if (const auto head = TRY(place.owned->sign_if_due(now, last_time && !more))) {
    spdlog::debug("event=signed origin={} size={}", head->checkpoint.origin, head->checkpoint.size);
    if (place.is_written) publish(*head);
  }
  return more;
}

void NotaryHost::publish(const SignedHead& head) {
  if (!around_.publish) return;
  {
    const std::scoped_lock lock(publishing_->mutex);
    ++publishing_->heads;
  }
  around_.publish(head, [publishing = publishing_](const Result<void>& done) {
    const std::scoped_lock lock(publishing->mutex);
    --publishing->heads;
    publishing->error = done ? "" : "a head was not published: " + done.error().message;
    publishing->settled.notify_all();
  });
}

void NotaryHost::wait_for_published() {
  std::unique_lock lock(publishing_->mutex);
  publishing_->settled.wait_for(lock, kStopPatience, [this] { return publishing_->heads == 0; });
}

}  // namespace tenure
