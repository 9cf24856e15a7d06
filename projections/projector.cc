#include "projections/projector.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <unordered_map>

#include "projections/decision_batch.h"
#include "projections/projection.h"
#include "projections/snapshot.h"

namespace tenure {
namespace {

std::string at(PartitionId partition, Offset offset) {
  return "partition " + std::to_string(partition.value) + ", offset " +
         std::to_string(offset.value);
}

// The record that the rows end with must still be where it was.
Result<void> check_same_log(DecisionLog& log, PartitionId partition,
                            const ProjectorPosition& position, const std::string& log_id) {
  auto differs = [&](const std::string& what) {
    return fail(ErrorKind::kCorrupt, "the read models were built from another log: " + what +
                                         " at " + at(partition, position.last_offset));
  };
  if (position.reader.next_offset.value == 0) return {};
  if (position.log_id != log_id) return differs("its id is " + log_id + ", not " + position.log_id);
  if (position.reader.next_number.value == 0) return {};
  if (position.last_offset >= log.durable_end(partition)) return differs("it ends before");
  auto cursor = TRY(log.read(partition, position.last_offset));
  std::optional<RawRecord> last = TRY(cursor->next());
  if (!last) return differs("no record");
  if (last->prefix.crc != position.last_crc) return differs("another record");
  return {};
}

// Whether the organization had no accepted decision before this one: no rows to read.
bool begins(const schema::Decision& decision) {
  return decision.version() == (decision.outcome() == schema::Outcome::accepted ? 1u : 0u);
}

// Decisions as they were read, and where the rows are once they hold them.
struct ReadBatch {
  DecisionBatch decisions;
  ProjectorPosition position;
};

// Of a batch, for each thread that reduces it: some are done sooner than others.
constexpr size_t kSlicesPerThread = 4;

// Some organizations of a batch, and what becomes of them.
struct Slice {
  std::span<const DecisionBatch::Run> runs;
  Arena arena;  // the rows that were changed here, from batch to batch
  ReducerBuffers buffers;
  SortedChanges of_organizations, of_none;
  size_t added_bytes = 0;  // of rows kept
  Result<void> outcome;
};

}  // namespace

struct Projector::Impl {
  DecisionLog& log;
  PartitionId partition;
  Store& store;
  ProjectorOptions options;
  ReadBatch batch;  // to be reduced and written
  ReadBatch next;   // where it is read ahead
  LogReader reader;
  std::vector<Slice> slices;
  SortedChanges changes;
  // The rows of organizations, from batch to batch; all forgotten when they take too much memory.
  std::unordered_map<std::string, RowBatch, TextHash, std::equal_to<>> rows_of;
  size_t cached_bytes = 0;
  bool unwritten = false;  // the changes wait for room on the disk
  std::optional<Error> failure;
  std::atomic<uint64_t> applied, next_offset;
  std::atomic<uint64_t> void_records = 0;
  std::future<Result<void>> reading_ahead;  // the last member: nothing else goes before it ends

  Impl(DecisionLog& log, PartitionId partition, Store& store, const ProjectorOptions& options,
       ProjectorPosition position, std::unique_ptr<RecordCursor> cursor)
      : log(log),
        partition(partition),
        store(store),
        options(options),
        batch{.decisions = {}, .position = std::move(position)},
        reader(std::move(cursor), batch.position.reader),
        slices(options.threads <= 1 ? 1 : options.threads * kSlicesPerThread),
        applied(batch.position.reader.next_number.value),
        next_offset(batch.position.reader.next_offset.value) {}

  // Reads until the batch is full or at the log's durable end.
  Result<void> read(ReadBatch& out) {
    DecisionBatch& decisions = out.decisions;
    ProjectorPosition& position = out.position;
    while (decisions.decisions() < options.batch_decisions &&
           decisions.bytes() < options.batch_bytes) {
      Result<std::optional<ValidDecision>> record = reader.next();
      if (!record && decisions.decisions() > 0) break;  // said again once these are written
      if (!TRY(std::move(record))) break;
      const ValidDecision& decision = **record;
      decisions.add(decision.number.value, decision.payload);
      position.last_offset = decision.offset;
      position.last_crc = decision.prefix.crc;
    }
    decisions.put_together();
    position.reader = reader.position();
    if (position.log_id.empty()) position.log_id = TRY(log.log_id(partition));
    return {};
  }

  // Begins to read what comes after the batch, which is about to be written.
  void read_ahead() {
    if (options.threads <= 1 || reading_ahead.valid()) return;
    next.position = batch.position;
    reading_ahead = std::async(std::launch::async, [this] { return read(next); });
  }

  Result<void> read_batch() {
    if (reading_ahead.valid()) {
      TRY(reading_ahead.get());
      std::swap(batch, next);
    } else {
      TRY(read(batch));
    }
    void_records = reader.void_records();
    next_offset = batch.position.reader.next_offset.value;
    return {};
  }

  Result<void> reduce(const DecisionBatch::Run& run, RowBatch& rows, const RowView& base,
                      Slice& slice) {
    rows.set_base(&base, slice.arena);
    DecisionReducer reducer(rows, run.org, slice.buffers);
    for (const DecisionBatch::Record& record : run.records) {
      batch.decisions.fetch_ahead_of(record);
      const auto& [number, decision] = record;
      reducer.reduce_state(*decision, number);
      reducer.reduce_history(*decision, number);
      if (decision->outcome() == schema::Outcome::accepted &&
          snapshot_may_be_due(decision->version())) {
        reducer.finish();
        TRY(snapshot_if_due(rows, base,
                            {.org = run.org,
                             .version = decision->version(),
                             .number = number,
                             .time = decision->time()}));
      }
    }
    reducer.finish();
    return rows.status();
  }

  // Reduces the runs of a slice and gathers what changed, in the order of keys.
  Result<void> reduce(Slice& slice, const RowView& base) {
    const size_t arena_before = slice.arena.bytes();
    std::vector<const RowBatch::Entry*> changed;
    for (const DecisionBatch::Run& run : slice.runs) {
      RowBatch& rows = rows_of.find(run.org)->second;
      const size_t bytes_before = rows.bytes();
      TRY(reduce(run, rows, base, slice));
      slice.added_bytes += rows.bytes() - bytes_before;
      changed.clear();
      rows.changes(changed);
      for (const RowBatch::Entry* entry : changed) {
        auto& place =
            in_no_organization(entry->key_view()) ? slice.of_none : slice.of_organizations;
        place.families[static_cast<size_t>(entry->family)].push_back(entry);
      }
    }
    slice.of_none.sort();
    slice.added_bytes += slice.arena.bytes() - arena_before;
    return {};
  }

  // Shares the batch's organizations out, to about as many decisions each.
  void cut_into_slices() {
    std::span<const DecisionBatch::Run> runs = batch.decisions.runs();
    for (const DecisionBatch::Run& run : runs) {
      const auto [rows, fresh] = rows_of.try_emplace(std::string(run.org));
      if (fresh && begins(*run.records.front().decision)) rows->second.know_all();
    }
    const size_t share = batch.decisions.decisions() / slices.size() + 1;
    for (Slice& slice : slices) {
      slice.of_organizations.clear();
      slice.of_none.clear();
      slice.added_bytes = 0;
      slice.outcome = {};
      size_t count = 0, of_slice = 0;
      while (count < runs.size() && of_slice < share) of_slice += runs[count++].records.size();
      slice.runs = runs.first(count);
      runs = runs.subspan(count);
    }
  }

  // Reduces every run and gathers what changed, in the order of keys.
  Result<void> reduce_all() {
    const auto base = store.uncached_view();
    cut_into_slices();
    {
      std::atomic<size_t> begun = 0;
      auto work = [&] {
        for (size_t at = begun++; at < slices.size(); at = begun++) {
          slices[at].outcome = reduce(slices[at], *base);
        }
      };
      std::vector<std::jthread> others;
      while (others.size() + 1 < options.threads) others.emplace_back(work);
      work();
    }
    std::vector<const SortedChanges*> of_none;
    for (Slice& slice : slices) {
      TRY(slice.outcome);
      cached_bytes += slice.added_bytes;
      of_none.push_back(&slice.of_none);
    }
    // Rows in no organization sort before all others, whichever organization changed them.
    changes.merge(of_none);
    for (const Slice& slice : slices) changes.append(slice.of_organizations);
    return {};
  }

  void settle() {
    for (const DecisionBatch::Run& run : batch.decisions.runs()) {
      rows_of.find(run.org)->second.settle();
    }
    batch.decisions.clear();
    if (cached_bytes <= options.cache_bytes) return;
    rows_of.clear();
    cached_bytes = 0;
    for (Slice& slice : slices) slice.arena.clear();
  }

  // Keeps a failure that leaves the batch in memory neither stored nor storable.
  Result<void> final(Result<void> outcome) {
    if (!outcome && outcome.error().kind != ErrorKind::kUnavailable) failure = outcome.error();
    return outcome;
  }

  // Has changes that wait to be written; false if there is nothing to do.
  Result<bool> gather() {
    if (failure) return std::unexpected(*failure);
    if (unwritten) return true;
    TRY(read_batch());
    if (batch.decisions.decisions() == 0) return false;
    TRY(final(reduce_all()));
    unwritten = true;
    return true;
  }

  void written() {
    unwritten = false;
    settle();
    applied = batch.position.reader.next_number.value;
  }

  static Result<void> write(std::span<Impl* const> gathered) {
    std::vector<Store::Part> parts;
    for (Impl* impl : gathered) {
      parts.push_back({&impl->changes, impl->partition, &impl->batch.position});
      impl->read_ahead();
    }
    const Result<void> outcome = gathered.front()->store.write(parts);
    for (Impl* impl : gathered) {
      if (impl->final(outcome)) impl->written();
    }
    return outcome;
  }
};

Projector::Projector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Projector::~Projector() = default;

Result<std::unique_ptr<Projector>> Projector::open(DecisionLog& log, PartitionId partition,
                                                   Store& store, const ProjectorOptions& options) {
  std::string log_id = TRY(log.log_id(partition));
  ProjectorPosition position{.log_id = log_id};
  if (auto stored = TRY(store.position(partition))) {
    position = std::move(*stored);
    TRY(check_same_log(log, partition, position, log_id));
  }
  auto cursor = TRY(log.read(partition, position.reader.next_offset));
  return std::unique_ptr<Projector>(new Projector(std::make_unique<Impl>(
      log, partition, store, options, std::move(position), std::move(cursor))));
}

Result<bool> Projector::step() {
  if (!TRY(impl_->gather())) return false;
  Impl* const gathered = impl_.get();
  TRY(Impl::write(std::span(&gathered, 1)));
  return true;
}

// What one of them cannot read holds up none of the others.
Result<bool> Projector::step_all(std::span<const std::unique_ptr<Projector>> projectors) {
  std::vector<Impl*> gathered;
  std::optional<Error> failure;
  for (const auto& projector : projectors) {
    const Result<bool> some = projector->impl_->gather();
    if (!some && !failure) failure = some.error();
    if (some && *some) gathered.push_back(projector->impl_.get());
  }
  if (!gathered.empty()) TRY(Impl::write(gathered));
  if (failure) return std::unexpected(*failure);
  return !gathered.empty();
}

Number Projector::applied() const { return {impl_->applied.load()}; }
Offset Projector::next_offset() const { return {impl_->next_offset.load()}; }
uint64_t Projector::void_records() const { return impl_->void_records.load(); }

}  // namespace tenure
