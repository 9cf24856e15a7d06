// The decision log in segment files: the embedded log, and later the mirror of a Kafka partition.
//
// A batch is one write and one fdatasync, and the next batch is not written before that sync has
// returned. So whatever lies after a batch proves that the batch was durable: recovery
// (segment_recovery.h) can tell a torn last batch, which it cuts, from damage, at which it stops.
// There is no timer: while one batch is being synced the caller gathers the next. Byte formats:
// segment_format.h.
//
// Full disk: while the next segment cannot be made, refusal() says so and batches that no longer
// fit wait; both end when there is space again. A failed write or sync is never retried: every
// batch from there on fails, and the process has to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/log/decision_log.h"
#include "engine/log/segment_store.h"

namespace tenure {

struct SegmentOptions {
  std::string directory;  // made if missing
  uint32_t partitions = 1;
  uint64_t segment_bytes = 64u << 20;  // of new segments; a multiple of 4096
  uint64_t reserve_bytes = 64u << 20;  // new work is refused below 2 segments + this much free
  // True: a thread writes and another prepares segments. False: the caller calls pump().
  bool own_thread = true;
  // With an own thread: a batch of at most so many bytes is written by append() itself if nothing
  // else is being written. For one client at a time the two wake-ups that this saves cost more than
  // the overlap would win.
  size_t inline_bytes = 0;
  std::string command = "tenure";  // with the address: what a second opener is told
  std::string address;
  FileSystem* files = &posix_file_system();
  std::function<LogId()> new_log_id = random_log_id;
  std::function<void(std::chrono::nanoseconds)> observe_sync;  // a batch's write + sync, if set
};

class SegmentLog final : public DecisionLog {
 public:
  // Locks, recovers and repairs the directory, or makes a new log in it. kConflict: in use, names
  // by whom. kCorrupt: damage, with segment and byte; nothing was changed. kInvalid: not a log's
  // directory, or options that do not fit. kUnsupported, kIo, kUnavailable.
  static Result<std::unique_ptr<SegmentLog>> open(SegmentOptions options);

  // Drops what is queued without calling anyone; leaves no clean-stop mark. close() first.
  ~SegmentLog() override;

  // Once for each opened log (kConflict after that): a failed session ends with the process.
  Result<Session> open_writer(PartitionId partition, const Writer& writer) override;
  // A batch larger than max_batch_bytes(), out of order or under another stamp fails with kInvalid.
  void append(PartitionId partition, Batch batch, Done done) override;
  std::optional<std::string> refusal() const override;

  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override;
  Result<Offset> find(PartitionId partition, Number number) override;
  Offset durable_end(PartitionId partition) const override;

  // Without an own thread: commits at most one queued batch, calls its `done`, and does one step of
  // preparing the next segment. False if there was nothing that could be done.
  bool pump();

  // Commits what is queued (what a full disk keeps waiting fails with kUnavailable), writes the
  // clean-stop mark, ends the threads, releases the lock. Reading goes on. Failed sessions leave no
  // mark. Call it once.
  Result<void> close();

  uint64_t max_batch_bytes() const;
  const LogId& log_id() const;
  Result<std::string> log_id(PartitionId) override { return to_text(log_id()); }
  const RecoveryReport& recovery() const;

 private:
  struct Queued {
    Batch batch;
    Done done;
  };

  SegmentLog(SegmentOptions options, std::unique_ptr<SegmentStore> store);

  // The writing side: open_writer(), then the writer thread or pump().
  Result<void> commit(const Batch& batch);
  Result<void> write(Bytes records, uint32_t count, const LogMark& after);
  bool may_write_inline(size_t record_bytes) const;
  void finish(Queued queued);
  void finish_unlocked(std::unique_lock<std::mutex>& lock, Queued queued);

  bool prepare(uint64_t target);  // one step; false if there was none to do
  uint64_t prepare_target() const;

  std::unexpected<Error> stopped() const;  // the error of the failure that ended the session
  void stop_with(const Error& error);
  Result<void> check_partition(PartitionId partition) const;

  void run_writer();
  void run_preparer();
  void end_threads(bool drain);

  const SegmentOptions options_;
  const std::unique_ptr<SegmentStore> store_;  // written by whoever set writing_, or pump()
  bool session_open_ = false;                  // of open_writer() and close()
  std::atomic<bool> hurry_ = false;            // a batch waits for the next segment

  mutable std::mutex mutex_;
  std::condition_variable work_;       // for the writer thread
  std::condition_variable preparing_;  // for the preparer thread
  std::deque<Queued> queue_;
  bool writing_ = false;  // a batch, with the mutex free
  std::optional<Error> failure_;
  bool draining_ = false;
  bool ending_ = false;
  std::thread writer_thread_;
  std::thread preparer_thread_;
};

}  // namespace tenure
