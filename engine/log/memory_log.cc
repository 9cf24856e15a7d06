#include "engine/log/memory_log.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/log/batch_rules.h"
#include "engine/log/record_walk.h"

namespace tenure {
namespace {

// The stamp that a batch was decided under, by its first record.
Stamp stamp_of(const Batch& batch) {
  return parse_record(batch.bytes.view(), RecordCrc::kSkip).prefix.stamp;
}

}  // namespace

class MemoryLog::Cursor final : public RecordCursor {
 public:
  Cursor(MemoryLog& log, PartitionId partition, Offset from)
      : log_(log), partition_(partition), next_(from) {}

  Result<std::optional<RawRecord>> next() override {
    const std::scoped_lock lock(log_.mutex_);
    const auto& records = log_.partitions_[partition_.value].records;
    if (next_.value == records.size()) return std::nullopt;
    const RawRecord record = RecordWalk(records[next_.value], next_, RecordCrc::kSkip).next();
    next_ = next_.next();
    return record;
  }

 private:
  MemoryLog& log_;
  PartitionId partition_;
  Offset next_;
};

Result<std::reference_wrapper<MemoryLog::Partition>> MemoryLog::find_partition(
    PartitionId partition) {
  if (partition.value >= partitions_.size()) {
    return fail(ErrorKind::kInvalid, fmt::format("no partition {}: the log has {}", partition.value,
                                                 partitions_.size()));
  }
  return partitions_[partition.value];
}

void MemoryLog::store(Partition& partition, AlignedBytes bytes) {
  ReaderRule rule(partition.end);
  const auto& home = partition.batches.emplace_back(std::move(bytes));
  RecordWalk walk(home.view(), partition.end.next_offset, RecordCrc::kSkip);
  while (!walk.done()) {
    const RawRecord record = walk.next();
    const std::byte* begin = record.payload.data() - kPrefixSize;
    partition.records.emplace_back(begin, kPrefixSize + record.payload.size());
    const auto validity = rule.judge(record);
    CHECK(validity);
    if (*validity == Validity::kValid) partition.decisions.push_back(record.offset);
  }
  partition.end = rule.position();
}

Result<Session> MemoryLog::open_writer(PartitionId id, const Writer& writer) {
  const std::scoped_lock lock(mutex_);
  Partition& partition = TRY(find_partition(id));
  const Session session = session_of(partition.end);
  store(partition, claim_record({"memory", id, static_cast<uint32_t>(partitions_.size())}, writer,
                                partition.end));
  partition.failed.reset();
  disk_failure_.reset();
  return session;
}

void MemoryLog::append(PartitionId partition, Batch batch, Done done) {
  const std::scoped_lock lock(mutex_);
  const Stamp stamp = stamp_of(batch);
  waiting_.push_back({partition, stamp, std::move(batch), std::move(done)});
}

Result<void> MemoryLog::commit(Waiting& waiting) {
  Partition& partition = TRY(find_partition(waiting.partition));
  if (waiting.stamp != partition.end.stamp) {
    return fail(ErrorKind::kConflict,
                fmt::format("the session of stamp {} has ended: stamp {} claimed the partition",
                            waiting.stamp.value, partition.end.stamp.value));
  }
  if (!partition.failed && disk_failure_) partition.failed = disk_failure_;
  if (partition.failed) return std::unexpected(*partition.failed);
  if (auto after = position_after(waiting.batch, partition.end); !after) {
    partition.failed = after.error();
    return std::unexpected(std::move(after).error());
  }
  store(partition, std::move(waiting.batch.bytes));
  return {};
}

bool MemoryLog::pump() {
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) return false;
  Waiting waiting = std::move(waiting_.front());
  waiting_.pop_front();
  auto result = commit(waiting);
  lock.unlock();
  waiting.done(std::move(result));
  return true;
}

std::optional<std::string> MemoryLog::refusal() const {
  const std::scoped_lock lock(mutex_);
  return refusal_;
}

Result<std::unique_ptr<RecordCursor>> MemoryLog::read(PartitionId id, Offset from) {
  const std::scoped_lock lock(mutex_);
  const Partition& partition = TRY(find_partition(id));
  if (from > partition.end.next_offset) {
    return fail(ErrorKind::kNotFound, fmt::format("no offset {}: the log ends at {}", from.value,
                                                  partition.end.next_offset.value));
  }
  return std::make_unique<Cursor>(*this, id, from);
}

Result<Offset> MemoryLog::find(PartitionId id, Number number) {
  const std::scoped_lock lock(mutex_);
  const Partition& partition = TRY(find_partition(id));
  if (number.value >= partition.decisions.size()) {
    return fail(ErrorKind::kNotFound, fmt::format("no decision {}: the log holds {}", number.value,
                                                  partition.decisions.size()));
  }
  return partition.decisions[number.value];
}

Offset MemoryLog::durable_end(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  return partition.value < partitions_.size() ? partitions_[partition.value].end.next_offset
                                              : Offset{};
}

void MemoryLog::fail_appends(Error error) {
  const std::scoped_lock lock(mutex_);
  disk_failure_ = std::move(error);
}

void MemoryLog::refuse(std::optional<std::string> why) {
  const std::scoped_lock lock(mutex_);
  refusal_ = std::move(why);
}

void MemoryLog::drop_waiting() {
  const std::scoped_lock lock(mutex_);
  waiting_.clear();
}

}  // namespace tenure
