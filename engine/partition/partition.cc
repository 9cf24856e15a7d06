#include "engine/partition/partition.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/check.h"
#include "engine/domain/evolve.h"
#include "engine/domain/look_ahead.h"
#include "engine/partition/machine.h"
#include "engine/partition/same_request.h"

namespace tenure {
namespace {

// Commands, and organizations with due work, that one step looks at: the owner hears of finished
// batches between steps, and an idle disk is lost time.
constexpr size_t kStepCommands = 64;
constexpr size_t kStepDue = 64;

// With fewer commands in line the look-ups are not worth making twice.
constexpr size_t kWorthLookingAhead = 4;

// Changes that may wait for a checkpoint that does not come, in checkpoints.
constexpr size_t kUnwrittenCheckpoints = 4;

// A try that met an obstacle that nobody will report gone is made again after this.
constexpr Duration kTryAgain = std::chrono::milliseconds(10);

void prefetch_whole(const OrganizationEntry& entry) {
  const char* bytes = reinterpret_cast<const char*>(&entry);
  for (size_t at = 0; at < sizeof(entry); at += 64) __builtin_prefetch(bytes + at);
}

}  // namespace

Partition::Machine::Machine(DecisionLog& log, StateStore& store, const Rulebooks& rulebooks,
                            const Catalog& catalog, PartitionOptions options, PartitionHost host)
    : log_(log),
      store_(store),
      rulebooks_(rulebooks),
      options_(options),
      host_(std::move(host)),
      secret_(store.secret()),
      jobs_(std::make_shared<std::atomic<size_t>>(0)),
      used_ids_(options.dedupe_window, options.dedupe_max_ids),
      builder_(rulebooks, catalog),
      checkpointer_(organizations_) {}

uint64_t Partition::Machine::hash_of_org(std::string_view org) const {
  return XXH3_64bits_withSecret(org.data(), org.size(), secret_.data(), secret_.size());
}

uint64_t Partition::Machine::hash_of_id(const schema::CommandEnvelope& command) {
  id_key_.assign(command.org()->string_view()).push_back('\0');
  id_key_.append(command.actor()->string_view()).push_back('\0');
  id_key_.append(command.id()->string_view());
  return XXH3_64bits_withSecret(id_key_.data(), id_key_.size(), secret_.data(), secret_.size());
}

void Partition::Machine::submit(CommandBytes command, Reply reply, std::optional<uint64_t> source) {
  if (failure_) return reply(unavailable(failure_->message));
  if (!outbox_) {
    return reply(unavailable("this process does not own the partition; retry with the same id"));
  }
  if (source) settled_.add(*source);
  if (queue_.size() + parked_ >= options_.max_queued) {
    return reply(unavailable("too many commands are waiting; retry in a moment with the same id"));
  }
  const schema::CommandEnvelope& envelope = command.get();
  QueuedCommand queued{.command = std::move(command),
                       .reply = std::move(reply),
                       .id_hash = hash_of_id(envelope),
                       .org_hash = hash_of_org(envelope.org()->string_view()),
                       .source = source};
  used_ids_.prefetch(queued.id_hash);
  organizations_.prefetch(queued.org_hash);
  queue_.push_back(std::move(queued));
}

bool Partition::Machine::step(Time now) {
  if (failure_) return false;
  now_ = now;
  if (!outbox_) return step_following();
  refusal_ = refusal();
  if (host_.settled_below) settled_below_ = host_.settled_below(options_.id);
  if (host_.services && services_ == nullptr) services_elsewhere_ = host_.services();
  bool busy = decide_due();
  busy |= decide_queued();
  request_loads();
  hand_over();
  busy |= step_checkpoint();
  evict();
  return busy;
}

Time Partition::Machine::partition_time() const { return std::max(now_, last_time_ + Duration(1)); }

std::optional<std::string> Partition::Machine::refusal() const {
  if (auto why = log_.refusal()) return why;
  if (writing_ != Writing::kNothing &&
      checkpointer_.pending_bytes() > kUnwrittenCheckpoints * options_.checkpoint_bytes) {
    return "the state store is not written fast enough; retry later " + counts_.store_error;
  }
  return std::nullopt;
}

bool Partition::Machine::decide_due() {
  if (refusal_) return false;
  bool busy = false;
  auto next = due_.begin();
  for (size_t i = 0; i < kStepDue && next != due_.end() && next->at <= partition_time(); i++) {
    const DueEntry due = *next;
    Entry& entry = find_or_add(hash_of_org(due.org), due.org);
    if (!entry.waiting) {
      if (entry.due != due.at) {
        on_store_error({ErrorKind::kCorrupt, "state store: what is due of organization `" +
                                                 due.org + "` differs from its due index"});
        return false;
      }
      if (!do_due_work(entry)) return busy;
      busy = true;
    }
    next = due_.upper_bound(due);
  }
  return busy;
}

// Has the memory that the next commands need brought into the cache, for all of them at once: each
// decision alone would wait for its own. Nothing here changes what is decided.
void Partition::Machine::look_ahead() {
  const size_t count = std::min(queue_.size(), kStepCommands);
  if (count < kWorthLookingAhead) return;
  std::array<const Entry*, kStepCommands> entries;
  for (size_t i = 0; i < count; i++) organizations_.prefetch(queue_[i].org_hash);
  for (size_t i = 0; i < count; i++) {
    const QueuedCommand& command = queue_[i];
    used_ids_.prefetch(command.id_hash);
    entries[i] = organizations_.find(command.org_hash, command.command.get().org()->string_view());
    if (entries[i] != nullptr) prefetch_whole(*entries[i]);
  }
  for (const auto step : {look_ahead_slots, look_ahead_entries}) {
    for (size_t i = 0; i < count; i++) {
      if (entries[i] != nullptr) step(entries[i]->organization, queue_[i].command.get());
    }
  }
  for (size_t i = 0; i < count; i++) {
    if (entries[i] != nullptr) entries[i]->touched.prefetch_end();
  }
}

bool Partition::Machine::decide_queued() {
  look_ahead();
  size_t budget = kStepCommands;
  while (budget > 0 && !resumed_.empty() && has_room()) {
    Entry& entry = *resumed_.front();
    QueuedCommand command = std::move(entry.parked.front());
    entry.parked.pop_front();
    parked_--;
    budget--;
    if (!process(entry, command)) {
      entry.parked.push_front(std::move(command));
      parked_++;
    }
    if (entry.parked.empty() || entry.waiting) resumed_.pop_front();
  }
  while (budget > 0 && !queue_.empty() && has_room()) {
    QueuedCommand command = std::move(queue_.front());
    queue_.pop_front();
    budget--;
    Entry& entry = find_or_add(command.org_hash, command.command.get().org()->string_view());
    const bool in_line = entry.waiting || !entry.parked.empty();
    if (in_line || !process(entry, command)) park(entry, std::move(command));
  }
  return budget < kStepCommands;
}

void Partition::Machine::park(Entry& entry, QueuedCommand command) {
  if (entry.parked.empty() && !entry.waiting) resumed_.push_back(&entry);
  entry.parked.push_back(std::move(command));
  parked_++;
}

// False: it must wait, for what `entry` waits for now or for room in the batch.
bool Partition::Machine::process(Entry& entry, QueuedCommand& command) {
  entry.used = true;
  switch (answer_if_used(entry, command)) {
    case Used::kAnswered:
      return true;
    case Used::kWaits:
      return false;
    case Used::kNo:
      break;
  }
  if (refusal_) {
    command.reply(unavailable(*refusal_));
    return true;
  }
  if (used_ids_.full(outbox_->next())) used_ids_.forget(partition_time());
  if (used_ids_.full(outbox_->next())) {
    command.reply(
        unavailable("no room for another command id until the oldest day of them is forgotten; "
                    "retry later, or start with room for more"));
    return true;
  }
  if (!do_due_work(entry) || !do_sandbox_work(entry, command)) return false;
  settle(command);
  decide_one(entry, command.command.view(), std::move(command.reply), command.id_hash);
  return true;
}

Partition::Machine::Used Partition::Machine::answer_if_used(Entry& entry, QueuedCommand& command) {
  candidates_.clear();
  used_ids_.find(command.id_hash, candidates_);
  std::ranges::sort(candidates_, std::greater{});
  for (Number number : candidates_) {
    if (number >= command.other_ids_from) continue;
    if (number < outbox_->durable()) {
      request_original(entry, number);
      return Used::kWaits;
    }
    const auto* original = flatbuffers::GetRoot<schema::Decision>(outbox_->decision(number).data());
    const auto* envelope = original->command_nested_root();
    if (!same_key(*envelope, command.command.get())) continue;
    const auto kind = same_request(*envelope, command.command.get())
                          ? Answer::Kind::kDuplicate
                          : Answer::Kind::kIdempotencyMismatch;
    outbox_->wait_for(number, kind, std::move(command.reply));
    settle(command);
    return Used::kAnswered;
  }
  return Used::kNo;
}

// What is due of the organization, before anything else is decided for it. False: no room for all.
bool Partition::Machine::do_due_work(Entry& entry) {
  while (entry.due && *entry.due <= partition_time()) {
    if (!do_due_item(entry)) return false;
  }
  return true;
}

bool Partition::Machine::do_due_item(Entry& entry) {
  if (!has_room()) return false;
  const std::set<DueItem>& due = entry.organization.due;
  const DueItem item = *due.begin();
  decide_one(entry, due_command(entry.organization.id, item), {}, std::nullopt, item.at);
  CHECK(!due.contains(item));  // or it would be done for ever
  return true;
}

// What falls due in a sandbox until its clock is where the command moves it. False: no room for
// all.
bool Partition::Machine::do_sandbox_work(Entry& entry, const QueuedCommand& command) {
  const auto* advance = command.command.get().command_as_AdvanceClock();
  if (advance == nullptr || !entry.exists || !entry.organization.clock) return true;
  builder_.build(&entry.organization, command.command.view(), partition_time(), {}, services());
  if (builder_.get().outcome() != schema::Outcome::accepted) return true;
  const std::set<DueItem>& due = entry.organization.due;
  while (!due.empty() && due.begin()->at <= from_micros(advance->to())) {
    if (!do_due_item(entry)) return false;
  }
  return true;
}

void Partition::Machine::decide_one(Entry& entry, std::span<const uint8_t> command, Reply reply,
                                    std::optional<uint64_t> id_hash, std::optional<Time> due) {
  const Organization* organization = entry.exists ? &entry.organization : nullptr;
  const auto& envelope = *flatbuffers::GetRoot<schema::CommandEnvelope>(command.data());
  const auto decision = builder_.build(organization, command, partition_time(), due, services(),
                                       key_of_erased(envelope));
  const Number number = outbox_->next();
  outbox_->append(decision, std::min(settled_.mark(), settled_below_), std::move(reply));
  apply(entry, builder_.get(), number, id_hash);
}

std::optional<PersonKeyName> Partition::Machine::key_of_erased(
    const schema::CommandEnvelope& command) const {
  const auto* erase = command.command_as_EraseSubject();
  if (erase == nullptr || !host_.person_key) return std::nullopt;
  return host_.person_key(erase->user()->string_view());
}

void Partition::Machine::apply(Entry& entry, const schema::Decision& decision, Number number,
                               std::optional<uint64_t> id_hash) {
  last_time_ = from_micros(decision.recorded().value_or(decision.time()));
  if (id_hash) {
    const Day day = day_of(last_time_);
    used_ids_.add(day, {*id_hash, number});
    checkpointer_.add_id(day, {*id_hash, number});
  }
  if (decision.outcome() != schema::Outcome::accepted) return;
  if (number < entry.known) return;  // replayed, and the store's rows had it already
  checkpointer_.before_change(entry, decision);
  if (!entry.exists) {
    entry.exists = true;
    organizations_.count_existing();
    total_organizations_++;
  }
  evolve(entry.organization, decision, number, rulebooks_);
  move_due(entry);
  follow_services(entry, number);
}

void Partition::Machine::follow_services(const Entry& entry, Number number) {
  if (entry.organization.services == nullptr || entry.organization.services == services_) return;
  services_ = entry.organization.services;
  untold_services_.emplace_back(number, services_);
}

// Those of decisions below `durable`.
void Partition::Machine::tell_services(Number durable) {
  std::shared_ptr<const Services> last;
  while (!untold_services_.empty() && untold_services_.front().first < durable) {
    last = std::move(untold_services_.front().second);
    untold_services_.pop_front();
  }
  if (last != nullptr && host_.tell_services) host_.tell_services(std::move(last));
}

void Partition::Machine::move_due(Entry& entry) {
  const auto due = due_by_itself(entry.organization);
  if (due == entry.due) return;
  const std::string& org = entry.organization.id.str();
  if (entry.due) due_.erase({*entry.due, org});
  if (due) due_.insert({*due, org});
  entry.due = due;
}

// False: two batches are in flight and a third is full; decide no more for now.
bool Partition::Machine::has_room() {
  if (outbox_->is_full()) hand_over();
  return !outbox_->is_full();
}

void Partition::Machine::hand_over() {
  while (auto batch = outbox_->take_batch()) {
    // The log may call from a thread of its own.
    log_.append(options_.id, std::move(*batch),
                [post = host_.post, weak = weak_from_this()](Result<void> outcome) {
                  post([weak, outcome = std::move(outcome)] {
                    if (auto self = weak.lock()) self->on_appended(outcome);
                  });
                });
  }
}

void Partition::Machine::on_appended(const Result<void>& outcome) {
  if (failure_) return;
  if (!outcome) return fail(outcome.error());
  tell_services(outbox_->settling());
  outbox_->settle();
  hand_over();
}

void Partition::Machine::settle(const QueuedCommand& command) {
  if (command.source) settled_.settle(*command.source);
}

void Partition::Machine::fail(Error error) {
  if (outbox_) {
    error.message += "; whether the command was recorded is unknown: retry with the same id";
  }
  failure_ = std::move(error);
  const std::string& message = failure_->message;
  if (outbox_) outbox_->fail(message);
  for (QueuedCommand& command : std::exchange(queue_, {})) command.reply(unavailable(message));
  organizations_.for_each([&](Entry& entry) {
    for (QueuedCommand& command : std::exchange(entry.parked, {})) {
      command.reply(unavailable(message));
    }
  });
  resumed_.clear();
  parked_ = 0;
}

std::optional<Time> Partition::Machine::next_due() const {
  std::optional<Time> next;
  // By partition time, which is ahead of a clock that went back.
  if (outbox_ && !due_.empty()) {
    next = due_.begin()->at <= partition_time() ? now_ : due_.begin()->at;
  }
  if (writing_ == Writing::kNothing ? checkpointer_.pending_bytes() > 0 : write_failed_) {
    const Time checkpoint = checkpoint_tried_ + options_.checkpoint_every;
    next = std::min(next.value_or(checkpoint), checkpoint);
  }
  if (writing_ == Writing::kGathering) next = now_;
  // What was due before and still is waits for a job, which brings a step, or for the log.
  if (next) next = std::max(*next, now_ + kTryAgain);
  return next;
}

PartitionStats Partition::Machine::stats() const {
  PartitionStats stats = counts_;
  stats.waiting = queue_.size() + parked_;
  stats.in_flight = next_number().value - durable().value;
  if (!due_.empty()) stats.due_at = due_.begin()->at;
  stats.organizations = organizations_.existing();
  stats.organizations_memory = organizations_.memory();
  stats.total_organizations = total_organizations_;
  stats.used_ids = used_ids_.size();
  return stats;
}

PartitionStats& PartitionStats::operator+=(const PartitionStats& other) {
  waiting += other.waiting;
  in_flight += other.in_flight;
  if (other.due_at) due_at = std::min(due_at.value_or(*other.due_at), *other.due_at);
  organizations += other.organizations;
  organizations_memory += other.organizations_memory;
  total_organizations += other.total_organizations;
  used_ids += other.used_ids;
  loads += other.loads;
  retries_read += other.retries_read;
  checkpoints += other.checkpoints;
  open_seconds += other.open_seconds;
  replay_seconds += other.replay_seconds;
  replayed += other.replayed;
  if (store_error.empty()) store_error = other.store_error;
  return *this;
}

Partition::Partition(std::shared_ptr<Machine> machine) : machine_(std::move(machine)) {}
Partition::~Partition() = default;
void Partition::submit(CommandBytes command, Reply reply, std::optional<uint64_t> source) {
  machine_->submit(std::move(command), std::move(reply), source);
}
void Partition::claim(Writer writer) { machine_->claim(std::move(writer)); }
bool Partition::is_writer() const { return machine_->is_writer(); }
bool Partition::release() { return machine_->release(); }
bool Partition::idle() const { return machine_->idle(); }
uint64_t Partition::settled() const { return machine_->settled(); }
bool Partition::step(Time now) { return machine_->step(now); }
std::optional<Time> Partition::next_due() const { return machine_->next_due(); }
Number Partition::next_number() const { return machine_->next_number(); }
Number Partition::durable() const { return machine_->durable(); }
std::optional<Error> Partition::failure() const { return machine_->failure(); }
PartitionStats Partition::stats() const { return machine_->stats(); }
Result<uint64_t> Partition::digest(std::string_view org) { return machine_->digest(org); }
Result<void> Partition::save() { return machine_->save(); }

}  // namespace tenure
