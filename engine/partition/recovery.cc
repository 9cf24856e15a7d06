// How a partition opens: the store's checkpoint, the claim, the tail of the log.
#include <limits>

#include "engine/base/check.h"
#include "engine/partition/machine.h"

namespace tenure {
namespace {

std::unexpected<Error> lost(const std::string& what) {
  return fail(ErrorKind::kCorrupt,
              "the log is not the one that the state store was made of: " + what +
                  ". Decisions were lost, or this is another log: restore it; if the loss is "
                  "accepted, delete the directory of the state store");
}

// That the log still holds the last decision that the store knows of.
Result<void> check_witness(DecisionLog& log, PartitionId partition, const CheckpointMark& mark) {
  const uint64_t next = mark.position.next_number.value;
  if (next == 0) return {};
  const std::string number = std::to_string(next - 1);
  if (log.durable_end(partition) <= mark.last_offset) {
    return lost("it ends before decision " + number);
  }
  const auto cursor = TRY(log.read(partition, mark.last_offset));
  const auto record = TRY(cursor->next());
  if (!record || record->prefix.number.value + 1 != next || record->prefix.crc != mark.last_crc) {
    return lost("its decision " + number + " is another one");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Partition>> Partition::open(DecisionLog& log, StateStore& store,
                                                   const Rulebooks& rulebooks,
                                                   const Catalog& catalog, const Writer& writer,
                                                   Time now, PartitionOptions options,
                                                   PartitionHost host) {
  auto found = store.mark();
  if (!found) TRY(store.reset());
  std::optional<CheckpointMark> mark = found ? *found : std::nullopt;
  if (mark) {
    // Before the claim: nothing is written to a log that is not ours.
    TRY(check_witness(log, options.id, *mark));
    if (mark->evolve_version != kEvolveVersion || mark->rows_version != kStateRowsVersion) {
      TRY(store.reset());
      mark.reset();
    }
  }
  const Session session = TRY(log.open_writer(options.id, writer));
  while (true) {
    auto machine =
        std::make_shared<Machine>(log, store, rulebooks, catalog, session, options, host);
    const Result<void> recovered = machine->recover(mark, now);
    if (recovered) return std::unique_ptr<Partition>(new Partition(std::move(machine)));
    if (!mark || !machine->store_damaged()) return std::unexpected(recovered.error());
    TRY(store.reset());
    mark.reset();
  }
}

Result<void> Partition::Machine::recover(const std::optional<CheckpointMark>& mark, Time now) {
  now_ = checkpoint_tried_ = now;
  if (mark) {
    Result<void> loaded = load_store(*mark);
    store_damaged_ = !loaded;
    if (!loaded) return loaded;
  }
  return replay(mark ? mark->position : ReaderPosition{});
}

Result<void> Partition::Machine::load_store(const CheckpointMark& mark) {
  last_time_ = mark.last_time;
  total_organizations_ = mark.organizations;
  replayed_offset_ = mark.last_offset;
  replayed_crc_ = mark.last_crc;
  TRY(store_.read_due([&](DueEntry entry) { due_.insert(due_.end(), std::move(entry)); }));
  TRY(store_.read_ids([&](Day day, std::span<const UsedId> ids) {
    for (const UsedId& id : ids) used_ids_.add(day, id);
  }));
  used_ids_.forget(last_time_);
  return {};
}

Result<void> Partition::Machine::replay(ReaderPosition from) {
  LogReader reader(TRY(log_.read(options_.id, from.next_offset)), from);
  while (const auto decision = TRY(reader.next())) {
    TRY(replay_one(*decision));
    if (checkpointer_.pending_bytes() >= options_.checkpoint_bytes) TRY(checkpoint_now(reader));
    evict();
  }
  const ReaderPosition& end = reader.position();
  if (end.next_number != session_.next || end.stamp != session_.stamp) {
    return tenure::fail(ErrorKind::kCorrupt,
                        "the log ends at decision " + std::to_string(end.next_number.value) +
                            ", but was claimed at " + std::to_string(session_.next.value));
  }
  return {};
}

Result<void> Partition::Machine::replay_one(const ValidDecision& decision) {
  const auto& payload = *flatbuffers::GetRoot<schema::Decision>(decision.payload.data());
  const schema::CommandEnvelope& command = *payload.command_nested_root();
  const std::string_view org = command.org()->string_view();
  Entry& entry = find_or_add(hash_of_org(org), org);
  if (!to_load_.empty()) {
    to_load_.clear();
    Result<Loaded> loaded = load(store_, rulebooks_, org);
    store_damaged_ = !loaded;
    take_in(entry, TRY(std::move(loaded)));
    entry.waiting = false;
  }
  entry.used = true;
  const bool is_due_work = command.actor()->string_view() == "system";
  apply(entry, payload, decision.number,
        is_due_work ? std::nullopt : std::optional(hash_of_id(command)));
  replayed_offset_ = decision.offset;
  replayed_crc_ = decision.prefix.crc;
  return {};
}

Result<void> Partition::Machine::checkpoint_now(const LogReader& reader) {
  begin_checkpoint(reader.position(), replayed_offset_, replayed_crc_);
  CHECK(checkpointer_.gather(std::numeric_limits<size_t>::max() / 2));
  TRY(store_.write(*checkpointer_.gathered()));
  checkpointer_.written();
  return {};
}

}  // namespace tenure
