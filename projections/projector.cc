#include "projections/projector.h"

#include <atomic>

#include "projections/projection.h"
#include "projections/snapshot.h"

namespace tenure {
namespace {

std::string at(PartitionId partition, Offset offset) {
  return "partition " + std::to_string(partition.value) + ", offset " +
         std::to_string(offset.value);
}

// The log's id, as its first claim says it; empty if the log is empty or does not say.
Result<std::string> log_id_of(DecisionLog& log, PartitionId partition) {
  auto cursor = TRY(log.read(partition, Offset{0}));
  std::optional<RawRecord> first = TRY(cursor->next());
  if (!first || first->status != RecordStatus::kOk || first->prefix.kind != RecordKind::kClaim) {
    return std::string();
  }
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(first->payload.data()),
                                 first->payload.size());
  if (!verifier.VerifyBuffer<schema::Claim>(nullptr)) return std::string();
  return flatbuffers::GetRoot<schema::Claim>(first->payload.data())->log_id()->str();
}

// The record that the rows end with must still be where it was.
Result<void> check_same_log(DecisionLog& log, PartitionId partition,
                            const ProjectorPosition& position, const std::string& log_id) {
  auto differs = [&](const std::string& what) {
    return fail(ErrorKind::kCorrupt, "the read models were built from another log: " + what +
                                         " at " + at(partition, position.last_offset));
  };
  if (position.log_id != log_id) return differs("its id is " + log_id + ", not " + position.log_id);
  if (position.reader.next_number.value == 0) return {};
  if (position.last_offset >= log.durable_end(partition)) return differs("it ends before");
  auto cursor = TRY(log.read(partition, position.last_offset));
  std::optional<RawRecord> last = TRY(cursor->next());
  if (!last) return differs("no record");
  if (last->prefix.crc != position.last_crc) return differs("another record");
  return {};
}

}  // namespace

struct Projector::Impl {
  PartitionId partition;
  Store& store;
  ProjectorOptions options;
  ProjectorPosition position;
  LogReader reader;
  RowBatch rows;
  DecisionReducer reducer;
  bool unwritten = false;  // the batch waits for room on the disk
  std::optional<Error> failure;
  std::atomic<uint64_t> applied, next_offset;
  std::atomic<uint64_t> void_records = 0;

  Impl(PartitionId partition, Store& store, const ProjectorOptions& options,
       ProjectorPosition position, std::unique_ptr<RecordCursor> cursor)
      : partition(partition),
        store(store),
        options(options),
        position(std::move(position)),
        reader(std::move(cursor), this->position.reader),
        rows(options.cache_bytes),
        reducer(rows),
        applied(this->position.reader.next_number.value),
        next_offset(this->position.reader.next_offset.value) {}

  Result<void> reduce(const ValidDecision& record, const RowView& base) {
    const auto& decision = *flatbuffers::GetRoot<schema::Decision>(record.payload.data());
    reducer.reduce_state(decision, record.number.value);
    reducer.reduce_history(decision, record.number.value);
    position.last_offset = record.offset;
    position.last_crc = record.prefix.crc;
    if (decision.outcome() == schema::Outcome::accepted) {
      TRY(snapshot_if_due(rows, base,
                          {.org = decision.command_nested_root()->org()->string_view(),
                           .version = decision.version(),
                           .number = record.number.value,
                           .time = decision.time()}));
    }
    return rows.status();
  }

  // Reads and reduces until the batch is full or the log's durable end.
  Result<size_t> fill(const RowView& base) {
    rows.set_base(&base);
    size_t before = rows.bytes();
    size_t decisions = 0;
    while (decisions < options.batch_decisions && rows.bytes() - before < options.batch_bytes) {
      Result<std::optional<ValidDecision>> record = reader.next();
      if (!record && decisions > 0) break;  // it will say so again, once these are written
      if (!TRY(std::move(record))) break;
      TRY(final(reduce(**record, base)));
      ++decisions;
    }
    return decisions;
  }

  // Keeps a failure that leaves the batch in memory neither stored nor storable.
  Result<void> final(Result<void> outcome) {
    if (!outcome && outcome.error().kind != ErrorKind::kUnavailable) failure = outcome.error();
    return outcome;
  }
};

Projector::Projector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Projector::~Projector() = default;

Result<std::unique_ptr<Projector>> Projector::open(DecisionLog& log, PartitionId partition,
                                                   Store& store, const ProjectorOptions& options) {
  std::string log_id = TRY(log_id_of(log, partition));
  ProjectorPosition position{.log_id = log_id};
  if (auto stored = TRY(store.position(partition))) {
    position = std::move(*stored);
    TRY(check_same_log(log, partition, position, log_id));
  }
  auto cursor = TRY(log.read(partition, position.reader.next_offset));
  return std::unique_ptr<Projector>(new Projector(
      std::make_unique<Impl>(partition, store, options, std::move(position), std::move(cursor))));
}

Result<bool> Projector::step() {
  Impl& impl = *impl_;
  if (impl.failure) return std::unexpected(*impl.failure);
  if (!impl.unwritten) {
    auto base = impl.store.view();
    size_t decisions = TRY(impl.fill(*base));
    impl.void_records = impl.reader.void_records();
    impl.next_offset = impl.reader.position().next_offset.value;
    if (decisions == 0) return false;
    impl.position.reader = impl.reader.position();
    impl.unwritten = true;
  }
  TRY(impl.final(impl.store.write(impl.rows, impl.partition, impl.position)));
  impl.unwritten = false;
  impl.rows.settle();
  impl.applied = impl.position.reader.next_number.value;
  return true;
}

Number Projector::applied() const { return {impl_->applied.load()}; }
Offset Projector::next_offset() const { return {impl_->next_offset.load()}; }
uint64_t Projector::void_records() const { return impl_->void_records.load(); }

}  // namespace tenure
