#include "tools/server/engine_host.h"

#include <algorithm>
#include <future>

#include "engine/base/murmur2.h"
#include "tools/server/answer_json.h"
#include "tools/server/command_parser.h"
#include "tools/server/engine_host_impl.h"

namespace tenure {
namespace {

constexpr std::chrono::seconds kKnownPatience{5};

}  // namespace

EngineHost::EngineHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EngineHost::~EngineHost() { (void)impl_->close(); }

Result<std::unique_ptr<EngineHost>> EngineHost::open(HostOptions options) {
  // A host even while it opens: one that fails halfway ends the threads that it has begun.
  std::unique_ptr<EngineHost> host(new EngineHost(std::make_unique<Impl>(std::move(options))));
  TRY(host->impl_->open());
  return host;
}

Result<CommandBytes> EngineHost::seal(CommandBytes command) {
  return seal_command(std::move(command), *impl_->keys);
}

const Unsealer& EngineHost::unsealer() const { return *impl_->unsealer; }

// What was decided about services, here or elsewhere, is answered once this process knows it.
Reply EngineHost::Impl::once_known(const CommandBytes& command, Reply reply) {
  if (command.get().org()->string_view() != kServicesOrganization) return reply;
  return [this, reply = std::move(reply)](const Answer& answer) {
    if (answer.kind == Answer::Kind::kUnavailable) return reply(answer);
    places[answer.position.partition.value].followed.wait(
        answer.position.number, std::chrono::steady_clock::now() + kKnownPatience,
        [reply, kept = std::make_shared<KeptAnswer>(answer)](bool known) {
          if (known) return reply({kept->kind, kept->position, kept->decision(), kept->message});
          reply(
              unavailable("it was decided, but this process has not read it yet; retry with the "
                          "same id"));
        });
  };
}

void EngineHost::submit(CommandBytes command, Reply reply) {
  Submission one{std::move(command), std::move(reply)};
  submit(std::span(&one, 1));
}

void EngineHost::submit(std::span<Submission> batch) {
  if (impl_->kafka) {
    for (Submission& each : batch) {
      // Its owner destroys the key; this process has to know that it is gone.
      Reply reply = impl_->eraser->once_erased(each.command, std::move(each.reply), {});
      reply = impl_->once_known(each.command, std::move(reply));
      impl_->kafka->send(std::move(each.command), reply);
    }
    return;
  }
  for (Submission& each : batch) {
    each.reply = impl_->eraser->once_erased(each.command, std::move(each.reply), each.partition);
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

Result<PastOrganization> EngineHost::as_of(const RowView& now, std::string_view org, Moment moment,
                                           const std::stop_token& stop) const {
  return ::tenure::as_of(now, *impl_->log, partition_of(org), org, moment, stop);
}

DecisionLog& EngineHost::log() const { return *impl_->log; }
const Rulebooks& EngineHost::rulebooks() const { return impl_->rulebooks; }
RulebookCache& EngineHost::compiled_rulebooks() const { return impl_->compiled_rulebooks; }
const Catalog& EngineHost::catalog() const { return *impl_->catalog; }

bool EngineHost::serves_reads() const { return impl_->models != nullptr; }
uint32_t EngineHost::partitions() const { return static_cast<uint32_t>(impl_->places.size()); }
PartitionId EngineHost::partition_of(std::string_view org) const {
  return partitions() == 1 ? PartitionId{} : PartitionId{::tenure::partition_of(org, partitions())};
}
Number EngineHost::at_open(PartitionId partition) const {
  return impl_->places[partition.value].at_open;
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

const NotaryHost* EngineHost::notaries() const { return impl_->notaries.get(); }

HostStats EngineHost::stats() const {
  HostStats stats{.submitted = impl_->mailbox.submitted(),
                  .mailbox = impl_->mailbox.waiting(),
                  .log_batches = impl_->log_batches.load(std::memory_order_relaxed),
                  .log_refusal = impl_->log->refusal().value_or(""),
                  .log_damage = impl_->scrub ? impl_->scrub->damage() : "",
                  .scrubbed_segments = impl_->scrub ? impl_->scrub->segments() : 0,
                  .read_models_error = impl_->read_models_fail.now(),
                  .notary_error = impl_->notaries ? impl_->notaries->trouble() : "",
                  .notary_mismatch = impl_->notaries ? impl_->notaries->mismatch() : "",
                  .another_build = impl_->another_build.now(),
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
    if (impl_->kafka) {
      if (const auto seen = impl_->kafka->log().status(status.id); seen && seen->owner) {
        status.owner = seen->owner->process;
        status.address = seen->owner->address;
        status.build = seen->owner->build;
        status.claim = seen->owner->stamp.value;
      }
    }
    std::lock_guard lock(impl_->state_mutex);
    status.writer = place.writer;
    status.settled = place.settled;
    status.waiting = place.stats.waiting;
    status.in_flight = place.stats.in_flight;
    status.due_at = place.stats.due_at;
    // Read after what was decided, so that what is neither waiting nor in flight is counted here.
    status.durable = place.durable;
    status.applied = place.waiters.applied().value;
    all.push_back(std::move(status));
  }
  return all;
}

std::shared_ptr<const Services> EngineHost::services() const {
  const std::scoped_lock lock(impl_->services_mutex);
  return impl_->services;
}

std::optional<Error> EngineHost::failure() const {
  std::lock_guard lock(impl_->state_mutex);
  return impl_->failure;
}

void EngineHost::on_failure(const std::function<void()>& callback) {
  {
    std::lock_guard lock(impl_->state_mutex);
    impl_->on_failure = callback;
    if (!impl_->failure) return;
  }
  callback();
}

Result<void> EngineHost::close() { return impl_->close(); }

}  // namespace tenure
