// What runs in a host: the engine thread, the projector thread.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/thread_name.h"
#include "tools/server/engine_host_impl.h"

namespace tenure {
namespace {

constexpr auto kLongestSleep = std::chrono::seconds(1);

// A step of the read models costs a millisecond, however little it applies: behind fewer decisions
// than these it waits for more, unless somebody waits for them.
constexpr uint64_t kWorthAStep = 8192;
constexpr auto kGathering = std::chrono::milliseconds(50);

}  // namespace

void EngineHost::Impl::run_engine() {
  name_this_thread("tenure-engine");
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
    const Result<bool> stepped = place.owned->step(now());
    if (!stepped) fail(stepped.error());
    busy |= stepped && *stepped;
  }
  return busy;
}

std::chrono::microseconds EngineHost::Impl::patience() {
  const Time now = this->now();
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

// During a rolling upgrade it is meant. Else what is refused and what is sold at which price depend
// on who owns a partition.
std::string EngineHost::Impl::who_decides_otherwise() const {
  for (uint32_t id = 0; id < places.size(); ++id) {
    const auto seen = kafka->log().status({id});
    if (!seen || !seen->owner || seen->owner->build == around->writer.build) continue;
    return fmt::format("partition {} is owned by process {}, which is {}; this process is {}", id,
                       seen->owner->process, seen->owner->build, around->writer.build);
  }
  return {};
}

void EngineHost::Impl::publish() {
  bool more = false;
  std::string store_error;
  for (Place& place : places) {
    const Partition& partition = place.owned->partition();
    const uint64_t now_durable = partition.durable().value;
    const bool moved = place.durable.exchange(now_durable) != now_durable;
    if (moved) place.followed.advance({now_durable});
    if (kafka) place.followed.expire(std::chrono::steady_clock::now());
    if (partition.is_writer()) eraser->advance(place.owned->id(), {now_durable});
    more |= moved;
    std::lock_guard lock(state_mutex);
    place.stats = partition.stats();
    place.writer = partition.is_writer();
    place.settled = partition.settled();
    if (store_error.empty()) store_error = place.stats.store_error;
  }
  if (claims_read.exchange(false)) another_build.see(who_decides_otherwise());
  log_refuses.see(log->refusal().value_or(""));
  state_store_fails.see(store_error);
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
  for (Place& place : places) {
    place.waiters.give_up();
    place.followed.give_up();
  }
  if (callback) callback();
}

void EngineHost::Impl::advance() {
  if (!models) return;
  for (Place& place : places) place.waiters.advance(models->applied(place.owned->id()));
}

void EngineHost::Impl::run_projector() {
  name_this_thread("tenure-models");
  while (true) {
    Result<bool> stepped = models->step();
    // Over Kafka a mirror that lags behind what is durable makes a reader wait, and give up.
    if (!stepped && stepped.error().kind != ErrorKind::kUnavailable) return fail(stepped.error());
    read_models_fail.see(stepped ? "" : stepped.error().message);
    advance();
    auto deadline = std::chrono::steady_clock::now();
    for (Place& place : places) place.waiters.expire(deadline);
    deadline += kLongestSleep;
    for (const Place& place : places) {
      if (auto next = place.waiters.next_deadline()) deadline = std::min(deadline, *next);
    }
    std::unique_lock lock(projector_mutex);
    projector_has_work |= stepped && *stepped;
    projector_wakes.wait_until(lock, deadline,
                               [this] { return projector_has_work || projector_stops; });
    projector_gathers = projector_has_work;
    if (projector_gathers) {
      projector_wakes.wait_for(lock, kGathering,
                               [this] { return worth_a_step() || projector_stops; });
    }
    // What little it has gathered is applied before a stop.
    if (projector_stops && (!projector_has_work || behind() >= kWorthAStep)) return;
    projector_has_work = projector_gathers = false;
  }
}

uint64_t EngineHost::Impl::behind() const {
  uint64_t decisions = 0;
  for (const Place& place : places) {
    const uint64_t durable = place.durable, applied = place.waiters.applied().value;
    decisions += durable - std::min(applied, durable);
  }
  return decisions;
}

bool EngineHost::Impl::worth_a_step() const {
  return behind() >= kWorthAStep ||
         std::ranges::any_of(places, [](const Place& place) { return place.waiters.any(); });
}

void EngineHost::Impl::wake_projector() {
  std::lock_guard lock(projector_mutex);
  projector_has_work = true;
  if (!projector_gathers || worth_a_step()) projector_wakes.notify_one();
}

}  // namespace tenure
