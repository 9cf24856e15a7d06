#include "engine/log/segment_log.h"

#include <fmt/format.h>

#include <limits>

#include "engine/base/check.h"
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
  if (options.segment_bytes % 4096 != 0 || options.segment_bytes < 2 * 4096) {
    return fail(ErrorKind::kInvalid,
                fmt::format("segments of {} bytes: take a multiple of 4096, 8192 or more",
                            options.segment_bytes));
  }
  return {};
}

SegmentPreparer::Plan preparing_plan(const SegmentOptions& options, const LogId& log_id) {
  return {options.files, options.directory, log_id, options.segment_bytes, options.reserve_bytes};
}

}  // namespace

// The first segment, then the identity: with that the log is there.
Result<void> SegmentLog::create(const SegmentOptions& options) {
  TRY(remove_unfinished(*options.files, options.directory));
  LogIdentity identity;
  identity.log_id = options.new_log_id();
  identity.partitions = options.partitions;
  SegmentPreparer preparer(preparing_plan(options, identity.log_id), 0, {});
  while (!preparer.ready()) {
    if (!TRY(preparer.step(kAll))) {
      return fail(ErrorKind::kUnavailable, "cannot make a new log: " + *preparer.refusal());
    }
  }
  fail_point("create.after_segment");
  TRY(write_identity(*options.files, options.directory, identity));
  fail_point("create.after_identity");
  return {};
}

Result<std::unique_ptr<SegmentLog>> SegmentLog::open(SegmentOptions options) {
  TRY(check_options(options));
  FileSystem& files = *options.files;
  const std::string& directory = options.directory;
  auto lock =
      TRY(lock_log_directory(files, directory, lock_holder(options.command, options.address)));
  auto found = TRY(recover(files, directory));
  RecoveryReport report;
  report.created = !found;
  if (!found) {
    TRY(create(options));
    found = TRY(recover(files, directory));
    CHECK(found);
  }
  report.segments = found->segments.size();
  report.cut_bytes = found->torn_bytes();
  if (report.cut_bytes > 0) {
    report.cut_place = fmt::format("{} at byte {}", segment_name(found->active.sequence),
                                   found->active.end_position);
  }
  TRY(repair(files, directory, *found));
  OpenSegment next;
  if (found->next_is_ready) {
    next.sequence = found->active.sequence + 1;
    next.size = found->next_size;
    next.file =
        TRY(files.open(path_in(directory, segment_name(next.sequence)), OpenMode::kReadWrite));
  }
  return std::unique_ptr<SegmentLog>(new SegmentLog(
      std::move(options), std::move(lock), *std::move(found), std::move(next), std::move(report)));
}

SegmentLog::SegmentLog(SegmentOptions options, std::unique_ptr<FileLock> lock, RecoveredLog log,
                       OpenSegment next, RecoveryReport report)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      identity_(log.identity),
      recovery_(std::move(report)),
      catalog_(std::make_shared<SegmentCatalog>(std::move(log.segments), log.active.index,
                                                log.active.end)),
      reader_(*options_.files, options_.directory, identity_, catalog_),
      preparer_(preparing_plan(options_, identity_.log_id), log.active.sequence + 1,
                std::move(next)),
      writer_(std::move(log.active), salt_of(identity_.log_id)),
      used_(writer_.end_position()) {}

SegmentLog::~SegmentLog() { end_threads(false); }

Result<void> SegmentLog::check_partition(PartitionId partition) const {
  if (partition.value < identity_.partitions) return {};
  return fail(ErrorKind::kInvalid, fmt::format("no partition {}: the log has {}", partition.value,
                                               identity_.partitions));
}

Result<Session> SegmentLog::open_writer(PartitionId partition, const Writer& writer) {
  TRY(check_partition(partition));
  if (failure_) return stopped();
  if (session_open_) {
    return fail(ErrorKind::kConflict,
                "this process writes the log already; open it again to claim");
  }
  const LogMark before = writer_.end();
  const ReaderPosition at = before.reader();
  const AlignedBytes claim =
      claim_record({to_text(identity_.log_id), partition, identity_.partitions}, writer, at);
  while (!has_room(claim.size())) {
    if (!TRY(preparer_.step(kAll))) {
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
  writing_ = true;
  lock.unlock();
  finish(std::move(queued));
  if (preparer_.wants(prepare_target())) preparing_.notify_one();
  lock.lock();
  writing_ = false;
  const bool more = !queue_.empty() || ending_ || draining_;
  lock.unlock();
  if (more) work_.notify_one();
}

bool SegmentLog::may_write_inline(size_t record_bytes) const {
  return options_.own_thread && record_bytes <= options_.inline_bytes && queue_.empty() &&
         !writing_ && writer_.fits(record_bytes);
}

bool SegmentLog::has_room(size_t record_bytes) const {
  return writer_.fits(record_bytes) || preparer_.ready();
}

Result<void> SegmentLog::commit(const Batch& batch) {
  if (batch.bytes.size() > max_batch_bytes()) {
    return fail(ErrorKind::kInvalid,
                fmt::format("a batch of {} bytes does not fit a segment, which takes {}",
                            batch.bytes.size(), max_batch_bytes()));
  }
  LogMark after = writer_.end();
  const ReaderPosition position = TRY(position_after(batch, after.reader()));
  after.next_offset = position.next_offset.value;
  after.next_number = position.next_number.value;
  return write(batch.bytes.view(), batch.count, after);
}

Result<void> SegmentLog::write(Bytes records, uint32_t count, const LogMark& after) {
  if (!writer_.fits(records.size())) TRY(roll());
  const auto start = std::chrono::steady_clock::now();
  const auto indexed = TRY(writer_.append(records, count, after));
  if (options_.observe_sync) options_.observe_sync(std::chrono::steady_clock::now() - start);
  used_ = writer_.end_position();
  catalog_->publish(writer_.end(), writer_.end_position(), indexed);
  return {};
}

Result<void> SegmentLog::roll() {
  TRY(writer_.seal_segment());
  const LogMark end = writer_.end();
  OpenSegment next = preparer_.take();
  next.begin = next.end = end;
  writer_ = SegmentWriter(std::move(next), salt_of(identity_.log_id));
  catalog_->roll();
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
uint64_t SegmentLog::prepare_target() const { return hurry_ ? kAll : 2 * used_; }

bool SegmentLog::prepare(uint64_t target) {
  {
    const std::scoped_lock lock(mutex_);
    if (failure_) return false;
  }
  const auto done = preparer_.step(target);
  if (!done) stop_with(done.error());
  return done && *done;
}

bool SegmentLog::pump() {
  Queued queued;
  bool worked = false;
  {
    std::unique_lock lock(mutex_);
    hurry_ = !queue_.empty() && !has_room(queue_.front().batch.bytes.size());
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
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (writing_) {  // append() does
      work_.wait(lock);
      continue;
    }
    if (queue_.empty() && draining_) return;
    hurry_ = !queue_.empty() && !has_room(queue_.front().batch.bytes.size());
    if (queue_.empty() || (hurry_ && !failure_)) {
      if (hurry_ && draining_ && preparer_.refusing()) return;
      preparing_.notify_one();
      work_.wait(lock);
      continue;
    }
    Queued queued = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    lock.unlock();
    finish(std::move(queued));
    if (preparer_.wants(prepare_target())) preparing_.notify_one();
    lock.lock();
    writing_ = false;
  }
}

// Wakes when the log has moved on, and every second to look at the free space.
void SegmentLog::run_preparer() {
  std::unique_lock lock(mutex_);
  while (!ending_ && !failure_) {
    lock.unlock();
    const bool progress = prepare(prepare_target());
    lock.lock();
    work_.notify_one();
    if (progress) continue;
    preparing_.wait_for(lock, std::chrono::seconds(1), [&] {
      return ending_ || (preparer_.wants(prepare_target()) && !preparer_.refusing());
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
  auto marked = failure_ ? Result<void>(stopped())
                         : write_clean_mark(*options_.files, options_.directory,
                                            salt_of(identity_.log_id), writer_.end());
  fail_point("close.after_mark");
  lock_.reset();
  return marked;
}

std::optional<std::string> SegmentLog::refusal() const { return preparer_.refusal(); }

Result<std::unique_ptr<RecordCursor>> SegmentLog::read(PartitionId partition, Offset from) {
  TRY(check_partition(partition));
  return reader_.read(from);
}

Result<Offset> SegmentLog::find(PartitionId partition, Number number) {
  TRY(check_partition(partition));
  return reader_.find(number);
}

Offset SegmentLog::durable_end(PartitionId) const { return catalog_->durable_end(); }

uint64_t SegmentLog::max_batch_bytes() const { return largest_batch(options_.segment_bytes); }

const LogId& SegmentLog::log_id() const { return identity_.log_id; }

const RecoveryReport& SegmentLog::recovery() const { return recovery_; }

}  // namespace tenure
