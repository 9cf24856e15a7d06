// The decision log in memory, for tests and simulations of what lies above it: the same contract,
// any number of partitions. Batches wait until pump(), so a test decides when they become durable.
// Any thread; deterministic if used from one.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "engine/log/log_reader.h"

namespace tenure {

class MemoryLog final : public DecisionLog {
 public:
  explicit MemoryLog(uint32_t partitions = 1) : partitions_(partitions) {}

  // Claiming again ends the session before: its later batches fail with kConflict.
  Result<Session> open_writer(PartitionId partition, const Writer& writer) override;
  void append(PartitionId partition, Batch batch, Done done) override;
  std::optional<std::string> refusal() const override;
  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override;
  Result<Offset> find(PartitionId partition, Number number) override;
  Offset durable_end(PartitionId partition) const override;

  // Makes the oldest waiting batch durable and calls its `done`; false if none waits.
  bool pump();

  // From now on batches fail as on a disk that does (nothing of them is kept), until the partition
  // is claimed again.
  void fail_appends(Error error);
  void refuse(std::optional<std::string> why);  // what refusal() says
  // The writer dies: waiting batches are dropped without calling anyone.
  void drop_waiting();

 private:
  class Cursor;
  struct Partition {
    std::deque<AlignedBytes> batches;                 // stable homes of the records
    std::vector<std::span<const std::byte>> records;  // by offset
    std::vector<Offset> decisions;                    // by number
    ReaderPosition end;
    std::optional<Error> failed;  // what every later batch of the session gets
  };
  struct Waiting {
    PartitionId partition;
    Stamp stamp;
    Batch batch;
    Done done;
  };

  void store(Partition& partition, AlignedBytes bytes);
  Result<void> commit(Waiting& waiting);
  Result<std::reference_wrapper<Partition>> find_partition(PartitionId partition);

  mutable std::mutex mutex_;
  std::vector<Partition> partitions_;
  std::deque<Waiting> waiting_;
  std::optional<Error> disk_failure_;
  std::optional<std::string> refusal_;
};

}  // namespace tenure
