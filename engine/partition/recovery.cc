// How a partition comes to decide: the store's checkpoint, the tail of the log, the claim; and how
// it follows what others write meanwhile.
#include <chrono>

#include "engine/base/check.h"
#include "engine/partition/machine.h"

namespace tenure {
namespace {

constexpr size_t kFollowedAtOnce = 256;

std::unexpected<Error> lost(const std::string& what) {
  return fail(ErrorKind::kCorrupt,
              "the log is not the one that the state store was made of: " + what +
                  ". Decisions were lost, or this is another log: restore it; if the loss is "
                  "accepted, delete the directory of the state store");
}

// That the log still holds the last decision that the store knows of.
Result<void> check_witness(DecisionLog& log, PartitionId partition, const CheckpointMark& mark) {
  const uint64_t next = mark.last.next.value;
  if (next == 0) return {};
  const std::string number = std::to_string(next - 1);
  if (log.durable_end(partition) <= mark.last.offset) {
    return lost("it ends before decision " + number);
  }
  const auto cursor = TRY(log.read(partition, mark.last.offset));
  const auto record = TRY(cursor->next());
  if (!record || record->prefix.number.value + 1 != next || record->prefix.crc != mark.last.crc) {
    return lost("its decision " + number + " is another one");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Partition>> Partition::follow(DecisionLog& log, StateStore& store,
                                                     const Rulebooks& rulebooks,
                                                     const Catalog& catalog, Time now,
                                                     PartitionOptions options,
                                                     const PartitionHost& host) {
  auto found = store.mark();
  if (!found) TRY(store.reset());
  std::optional<CheckpointMark> mark = found ? *found : std::nullopt;
  if (mark) {
    // Before any claim: nothing is written to a log that is not ours.
    TRY(check_witness(log, options.id, *mark));
    if (mark->evolve_version != kEvolveVersion || mark->rows_version != kStateRowsVersion) {
      TRY(store.reset());
      mark.reset();
    }
  }
  while (true) {
    auto machine = std::make_shared<Machine>(log, store, rulebooks, catalog, options, host);
    const Result<void> recovered = machine->recover(mark, now);
    if (recovered) return std::unique_ptr<Partition>(new Partition(std::move(machine)));
    if (!mark || !machine->store_damaged()) return std::unexpected(recovered.error());
    TRY(store.reset());
    mark.reset();
  }
}

Result<std::unique_ptr<Partition>> Partition::open(DecisionLog& log, StateStore& store,
                                                   const Rulebooks& rulebooks,
                                                   const Catalog& catalog, const Writer& writer,
                                                   Time now, PartitionOptions options,
                                                   const PartitionHost& host) {
  auto partition = TRY(follow(log, store, rulebooks, catalog, now, options, host));
  TRY(partition->machine_->begin_session(
      TRY(log.open_writer(partition->machine_->partition(), writer))));
  return partition;
}

Result<void> Partition::Machine::recover(const std::optional<CheckpointMark>& mark, Time now) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  now_ = checkpoint_tried_ = now;
  if (mark) {
    Result<void> loaded = load_store(*mark);
    store_damaged_ = !loaded;
    if (!loaded) return loaded;
    TRY(load_services());
  }
  const auto opened = Clock::now();
  const ReaderPosition from = mark ? mark->position : ReaderPosition{};
  reader_ = std::make_unique<LogReader>(TRY(log_.read(options_.id, from.next_offset)), from);
  while (TRY(follow_on(kFollowedAtOnce))) {
    if (checkpointer_.pending_bytes() >= options_.checkpoint_bytes) TRY(checkpoint_now());
  }
  tell_services(followed_number());
  counts_.open_seconds = std::chrono::duration<double>(opened - began).count();
  counts_.replay_seconds = std::chrono::duration<double>(Clock::now() - opened).count();
  counts_.replayed = followed_number().value - from.next_number.value;
  return {};
}

Result<void> Partition::Machine::save() {
  if (failure_ || durable() < next_number() || writing_ == Writing::kWriting) return {};
  if (writing_ != Writing::kNothing) TRY(complete_checkpoint());
  if (checkpointer_.pending_bytes() == 0) return {};
  return checkpoint_now();
}

Result<void> Partition::Machine::load_store(const CheckpointMark& mark) {
  last_time_ = mark.last_time;
  total_organizations_ = mark.organizations;
  replayed_ = known_to_store_ = mark.last;
  TRY(store_.read_due([&](DueEntry entry) { due_.insert(due_.end(), std::move(entry)); }));
  TRY(store_.read_ids([&](Day day, std::span<const UsedId> ids) { used_ids_.add_all(day, ids); }));
  used_ids_.forget(last_time_);
  return {};
}

// As the store has them; nothing where `_tenure` is in another partition.
Result<void> Partition::Machine::load_services() {
  follow_services(*TRY(loaded_entry(kServicesOrganization)), Number{0});
  counts_.loads = 0;  // nobody asked for it
  return {};
}

// Applies up to so many decisions; false at the log's durable end.
Result<bool> Partition::Machine::follow_on(size_t decisions) {
  for (; decisions > 0; --decisions) {
    const auto decision = TRY(reader_->next());
    if (!decision) return false;
    TRY(replay_one(*decision));
    evict();
  }
  return true;
}

bool Partition::Machine::step_following() {
  const Result<bool> more = follow_on(kFollowedAtOnce);
  tell_services(followed_number());
  if (!more) {
    fail(more.error());
    return false;
  }
  if (claimed_) {
    if (const Result<void> begun = begin_if_there(); !begun) fail(begun.error());
  }
  const bool gathering = outbox_ ? false : step_checkpoint();
  return *more || gathering || outbox_;
}

void Partition::Machine::claim(Writer writer) {
  CHECK(!outbox_ && !claiming_);
  claiming_ = true;
  run_aside([weak = weak_from_this(), post = host_.post, &log = log_, partition = options_.id,
             writer = std::move(writer)] {
    post([weak, session = log.open_writer(partition, writer)] {
      if (const auto self = weak.lock()) self->on_claimed(session);
    });
  });
}

void Partition::Machine::on_claimed(const Result<Session>& session) {
  if (failure_) return;
  if (!session) return fail(session.error());
  claimed_ = *session;
}

Result<void> Partition::Machine::begin_session(Session session) {
  claimed_ = session;
  while (TRY(follow_on(kFollowedAtOnce))) {
  }
  TRY(begin_if_there());
  if (outbox_) return {};
  return tenure::fail(ErrorKind::kCorrupt,
                      "the log ends at decision " + std::to_string(followed_number().value) +
                          ", but was claimed at " + std::to_string(session.next.value));
}

// The claim that was made is the next thing to read, or was read, or another came after it.
Result<void> Partition::Machine::begin_if_there() {
  const ReaderPosition at = reader_->position();
  if (at.stamp < claimed_->stamp) return {};
  if (at.stamp > claimed_->stamp) {
    return tenure::fail(ErrorKind::kConflict, "another process claimed the partition");
  }
  if (at.next_number != claimed_->next) {
    return tenure::fail(ErrorKind::kCorrupt, "decision " + std::to_string(at.next_number.value) +
                                                 " stands behind a claim made at " +
                                                 std::to_string(claimed_->next.value));
  }
  tell_services(at.next_number);
  outbox_.emplace(options_.id, *claimed_, options_.batch_bytes);
  reader_.reset();
  claimed_.reset();
  claiming_ = false;
  settled_.drop_unsettled();
  return {};
}

bool Partition::Machine::release() {
  if (failure_ || !outbox_ || !outbox_->empty() || !queue_.empty() || waiting_entries_ > 0) {
    return false;
  }
  const ReaderPosition at = outbox_->position();
  auto cursor = log_.read(options_.id, at.next_offset);
  if (!cursor) return false;
  replayed_ = last_decision();
  reader_ = std::make_unique<LogReader>(*std::move(cursor), at);
  outbox_.reset();
  settled_.drop_unsettled();
  return true;
}

// On this thread: while it follows.
Result<OrganizationEntry*> Partition::Machine::loaded_entry(std::string_view org) {
  Entry& entry = find_or_add(hash_of_org(org), org);
  if (!to_load_.empty()) {
    to_load_.clear();
    Result<StoredOrganization> loaded = load(store_, rulebooks_, org);
    store_damaged_ = !loaded;
    take_in(entry, TRY(std::move(loaded)));
    resume(entry);
  }
  return &entry;
}

Result<void> Partition::Machine::replay_one(const ValidDecision& decision) {
  const auto& payload = *flatbuffers::GetRoot<schema::Decision>(decision.payload.data());
  const schema::CommandEnvelope& command = *payload.command_nested_root();
  const std::string_view org = command.org()->string_view();
  Entry& entry = *TRY(loaded_entry(org));
  entry.used = true;
  const bool is_due_work = command.actor()->string_view() == "system";
  apply(entry, payload, decision.number,
        is_due_work ? std::nullopt : std::optional(hash_of_id(command)));
  settled_.raise(decision.prefix.source);
  replayed_ = {decision.number.next(), decision.offset, decision.prefix.crc};
  return {};
}

Result<void> Partition::Machine::checkpoint_now() {
  begin_checkpoint();
  writing_ = Writing::kGathering;
  return complete_checkpoint();
}

// All that is left of the checkpoint begun, on this thread.
Result<void> Partition::Machine::complete_checkpoint() {
  if (writing_ == Writing::kGathering) {
    checkpointer_.gather_all(next_number());
    finish_checkpoint();
    writing_ = Writing::kGathered;
  }
  TRY(store_.write(*checkpointer_.finished()));
  checkpointer_.written();
  writing_ = Writing::kNothing;
  return {};
}

}  // namespace tenure
