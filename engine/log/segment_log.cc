#include "engine/log/segment_log.h"

#include <fmt/format.h>

#include <limits>

#include "engine/base/check.h"
#include "engine/base/thread_name.h"
#include "engine/log/batch_rules.h"
#include "engine/log/fail_point.h"
#include "engine/log/log_directory.h"

namespace tenure {
namespace {

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

Result<void> check_options(const SegmentOptions& options) {
  if (options.partitions != 1) {
    return fail(
        ErrorKind::kInvalid,
        fmt::format("segment files keep 1 partition, not {}: start with one", options.partitions));
  }
  return {};
}

SegmentStoreOptions store_options(const SegmentOptions& options) {
  return {.directory = options.directory,
          .partitions = options.partitions,
          .segment_bytes = options.segment_bytes,
          .reserve_bytes = options.reserve_bytes,
          .holder = lock_holder(options.command, options.address),
          .files = options.files,
          .new_log_id = options.new_log_id,
          .use = SegmentUse::kLog};
}

}  // namespace

Result<std::unique_ptr<SegmentLog>> SegmentLog::open(SegmentOptions options) {
  TRY(check_options(options));
  auto store = TRY(SegmentStore::open(store_options(options)));
  return std::unique_ptr<SegmentLog>(new SegmentLog(std::move(options), std::move(store)));
}

SegmentLog::SegmentLog(SegmentOptions options, std::unique_ptr<SegmentStore> store)
    : options_(std::move(options)), store_(std::move(store)) {}

SegmentLog::~SegmentLog() { end_threads(false); }

Result<void> SegmentLog::check_partition(PartitionId partition) const {
  if (partition.value < store_->identity().partitions) return {};
  return fail(ErrorKind::kInvalid, fmt::format("no partition {}: the log has {}", partition.value,
                                               store_->identity().partitions));
}

Result<Session> SegmentLog::open_writer(PartitionId partition, const Writer& writer) {
  TRY(check_partition(partition));
  if (failure_) return stopped();
  if (session_open_) {
    return fail(ErrorKind::kConflict,
                "this process writes the log already; open it again to claim");
  }
  const LogMark before = store_->end();
  const ReaderPosition at = before.reader();
  const AlignedBytes claim =
      claim_record({to_text(log_id()), partition, store_->identity().partitions}, writer, at);
  while (!store_->has_room(claim.size())) {
    if (!TRY(store_->preparer().step(kAll))) {
      return fail(ErrorKind::kUnavailable, "cannot claim the log: " + *refusal());
    }
  }
  const Session session = session_of(at);
  LogMark after = before;
  after.next_offset += 1;
  after.stamp = session.stamp.value;
  after.claims += 1;
  if (auto written = write(claim.view(), 1, after); !written) {
    stop_with(written.error());
    return std::unexpected(std::move(written).error());
  }
  session_open_ = true;
  if (options_.own_thread) {
    writer_thread_ = std::thread([this] { run_writer(); });
    preparer_thread_ = std::thread([this] { run_preparer(); });
  }
  return session;
}

void SegmentLog::append(PartitionId, Batch batch, Done done) {
  CHECK(session_open_);
  Queued queued{std::move(batch), std::move(done)};
  std::unique_lock lock(mutex_);
  if (!may_write_inline(queued.batch.bytes.size())) {
    queue_.push_back(std::move(queued));
    lock.unlock();
    work_.notify_one();
    return;
  }
  finish_unlocked(lock, std::move(queued));
  const bool more = !queue_.empty() || ending_ || draining_;
  lock.unlock();
  if (more) work_.notify_one();
}

bool SegmentLog::may_write_inline(size_t record_bytes) const {
  return options_.own_thread && record_bytes <= options_.inline_bytes && queue_.empty() &&
         !writing_ && store_->fits(record_bytes);
}

Result<void> SegmentLog::commit(const Batch& batch) {
  if (batch.bytes.size() > max_batch_bytes()) {
    return fail(ErrorKind::kInvalid,
                fmt::format("a batch of {} bytes does not fit a segment, which takes {}",
                            batch.bytes.size(), max_batch_bytes()));
  }
  LogMark after = store_->end();
  const ReaderPosition position = TRY(position_after(batch, after.reader()));
  after.next_offset = position.next_offset.value;
  after.next_number = position.next_number.value;
  return write(batch.bytes.view(), batch.count, after);
}

Result<void> SegmentLog::write(Bytes records, uint32_t count, const LogMark& after) {
  const auto start = std::chrono::steady_clock::now();
  TRY(store_->write(records, count, after));
  if (options_.observe_sync) options_.observe_sync(std::chrono::steady_clock::now() - start);
  return {};
}

void SegmentLog::finish(Queued queued) {
  auto result = [&]() -> Result<void> {
    {
      const std::scoped_lock lock(mutex_);
      if (failure_) return stopped();
    }
    return commit(queued.batch);
  }();
  if (!result) stop_with(result.error());
  queued.done(std::move(result));
}

std::unexpected<Error> SegmentLog::stopped() const {
  return fail(failure_->kind,
              "the log stopped at an earlier failure (" + failure_->message + "); restart tenure");
}

void SegmentLog::stop_with(const Error& error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = error;
  }
  work_.notify_one();
}

// Twice the pace of the log, or all of it if a batch waits.
uint64_t SegmentLog::prepare_target() const { return hurry_ ? kAll : 2 * store_->used(); }

bool SegmentLog::prepare(uint64_t target) {
  {
    const std::scoped_lock lock(mutex_);
    if (failure_) return false;
  }
  const auto done = store_->preparer().step(target);
  if (!done) stop_with(done.error());
  return done && *done;
}

bool SegmentLog::pump() {
  Queued queued;
  bool worked = false;
  {
    std::unique_lock lock(mutex_);
    hurry_ = !queue_.empty() && !store_->has_room(queue_.front().batch.bytes.size());
    worked = !queue_.empty() && (!hurry_ || failure_);
    if (worked) {
      queued = std::move(queue_.front());
      queue_.pop_front();
    }
  }
  if (worked) finish(std::move(queued));
  return prepare(prepare_target()) || worked;
}

void SegmentLog::run_writer() {
  name_this_thread("tenure-log");
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (writing_) {  // append() does
      work_.wait(lock);
      continue;
    }
    if (queue_.empty() && draining_) return;
    hurry_ = !queue_.empty() && !store_->has_room(queue_.front().batch.bytes.size());
    if (queue_.empty() || (hurry_ && !failure_)) {
      if (hurry_ && draining_ && store_->preparer().refusing()) return;
      preparing_.notify_one();
      work_.wait(lock);
      continue;
    }
    Queued queued = std::move(queue_.front());
    queue_.pop_front();
    finish_unlocked(lock, std::move(queued));
  }
}

// Nobody else writes meanwhile; others may queue.
void SegmentLog::finish_unlocked(std::unique_lock<std::mutex>& lock, Queued queued) {
  writing_ = true;
  lock.unlock();
  finish(std::move(queued));
  if (store_->preparer().wants(prepare_target())) preparing_.notify_one();
  lock.lock();
  writing_ = false;
}

// Wakes when the log has moved on, and every second to look at the free space.
void SegmentLog::run_preparer() {
  name_this_thread("tenure-segments");
  std::unique_lock lock(mutex_);
  while (!ending_ && !failure_) {
    lock.unlock();
    const bool progress = prepare(prepare_target());
    lock.lock();
    work_.notify_one();
    if (progress) continue;
    preparing_.wait_for(lock, std::chrono::seconds(1), [&] {
      return ending_ ||
             (store_->preparer().wants(prepare_target()) && !store_->preparer().refusing());
    });
  }
}

void SegmentLog::end_threads(bool drain) {
  const auto set = [&](bool& flag) {
    const std::scoped_lock lock(mutex_);
    flag = true;
  };
  if (drain) {
    set(draining_);
    work_.notify_one();
    if (writer_thread_.joinable()) writer_thread_.join();
  }
  set(ending_);
  work_.notify_one();
  preparing_.notify_one();
  if (writer_thread_.joinable()) writer_thread_.join();
  if (preparer_thread_.joinable()) preparer_thread_.join();
}

Result<void> SegmentLog::close() {
  if (!options_.own_thread) {
    while (pump()) {
    }
  }
  end_threads(true);
  for (Queued& queued : queue_) {
    queued.done(fail(ErrorKind::kUnavailable,
                     "not written, the log was closed: " + refusal().value_or("no next segment")));
  }
  queue_.clear();
  session_open_ = false;
  fail_point("close.before_mark");
  auto marked = failure_ ? Result<void>(stopped()) : store_->mark_clean();
  fail_point("close.after_mark");
  store_->unlock();
  return marked;
}

std::optional<std::string> SegmentLog::refusal() const { return store_->preparer().refusal(); }

Result<std::unique_ptr<RecordCursor>> SegmentLog::read(PartitionId partition, Offset from) {
  TRY(check_partition(partition));
  return store_->reader().read(from);
}

Result<Offset> SegmentLog::find(PartitionId partition, Number number) {
  TRY(check_partition(partition));
  return store_->reader().find(number);
}

Offset SegmentLog::durable_end(PartitionId) const { return store_->reader().durable_end(); }

uint64_t SegmentLog::max_batch_bytes() const { return largest_batch(options_.segment_bytes); }

const LogId& SegmentLog::log_id() const { return store_->identity().log_id; }

const RecoveryReport& SegmentLog::recovery() const { return store_->recovery(); }

}  // namespace tenure
