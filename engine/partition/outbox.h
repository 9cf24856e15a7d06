// Decisions on their way to the log: the batch being filled, the batches in flight, and who waits
// for which of them.
//
// Group commit without a timer: a batch is handed over as soon as the log is idle, and while it is
// being synced the next one fills. A second batch follows into flight only when it is full. Nobody
// is answered before the batch of their decision is durable. One thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/log/log_reader.h"
#include "engine/partition/answer.h"

namespace tenure {

class Outbox {
 public:
  Outbox(PartitionId partition, Session session, size_t batch_bytes);

  // The number that the next decision gets, and the first one that is not durable.
  Number next() const { return next_; }
  Number durable() const { return batches_.front().first; }

  // The batch being filled is at its size: it has to go into flight first.
  bool is_full() const { return batches_.back().bytes.size() >= batch_bytes_; }

  // Adds a decision; it gets number next(). `settled` is the mark its record carries; `reply` may
  // be empty.
  void append(std::span<const std::byte> decision, uint64_t settled, Reply reply);

  // A decision that is not durable yet, and another answer that waits for it.
  std::span<const std::byte> decision(Number number);
  void wait_for(Number number, Answer::Kind kind, Reply reply);

  // A batch to hand to the log now, if it is time for one. It counts as in flight from then on.
  std::optional<Batch> take_batch();
  size_t in_flight() const { return batches_.size() - 1; }
  bool empty() const { return in_flight() == 0 && batches_.back().starts.empty(); }

  // The oldest batch in flight is durable: answers all who waited for it. Before that:
  // settling(), the first decision that is not durable then.
  Number settling() const { return batches_[1].first; }
  void settle();

  // The log failed: everybody who waits is told so.
  void fail(const std::string& message);

  // CRC of the record of decision next() - 1; nothing if it was not made in this session.
  std::optional<uint32_t> last_crc();
  Offset offset_of(Number number) const;
  // Where a reader stands who has read all of this.
  ReaderPosition position() const { return {offset_of(next_), next_, session_.stamp}; }

 private:
  struct Waiting {
    Number number;
    Answer::Kind kind;
    Reply reply;
  };
  struct Filling {
    Number first;
    AlignedBytes bytes;          // the records, also while the log writes its copy
    std::vector<size_t> starts;  // of each record in `bytes`
    std::vector<Waiting> waiting;
  };

  Filling& open() { return batches_.back(); }
  std::span<const std::byte> record(const Filling& batch, Number number) const;
  Filling& batch_of(Number number);

  PartitionId partition_;
  Session session_;
  size_t batch_bytes_;
  Number next_;
  std::deque<Filling> batches_;  // in flight, then the open one
  Filling spare_;                // memory of a settled batch, to be used again
  std::optional<uint32_t> settled_crc_;
};

}  // namespace tenure
