#include "engine/log/segment_store.h"

#include <fmt/format.h>

#include <limits>

#include "engine/base/check.h"
#include "engine/log/fail_point.h"
#include "engine/log/log_directory.h"

namespace tenure {
namespace {

Result<void> check_options(const SegmentStoreOptions& options) {
  if (options.segment_bytes % 4096 != 0 || options.segment_bytes < 8192) {
    return fail(ErrorKind::kInvalid,
                fmt::format("segments of {} bytes: take a multiple of 4096, 8192 or more",
                            options.segment_bytes));
  }
  return {};
}

SegmentPreparer::Plan preparing_plan(const SegmentStoreOptions& options, const LogId& log_id) {
  return {options.files,         options.directory,     log_id,
          options.segment_bytes, options.reserve_bytes, options.use};
}

}  // namespace

// The first segment, then the identity: with that the log is there.
Result<void> SegmentStore::create(const SegmentStoreOptions& options) {
  TRY(remove_unfinished(*options.files, options.directory));
  LogIdentity identity;
  identity.log_id = options.new_log_id();
  identity.partitions = options.partitions;
  SegmentPreparer preparer(preparing_plan(options, identity.log_id), 0, {});
  while (!preparer.ready()) {
    if (!TRY(preparer.step(std::numeric_limits<uint64_t>::max()))) {
      return fail(ErrorKind::kUnavailable, "cannot make a new log: " + *preparer.refusal());
    }
  }
  fail_point("create.after_segment");
  TRY(write_identity(*options.files, options.directory, identity));
  fail_point("create.after_identity");
  return {};
}

Result<std::unique_ptr<SegmentStore>> SegmentStore::open(SegmentStoreOptions options) {
  TRY(check_options(options));
  FileSystem& files = *options.files;
  const std::string& directory = options.directory;
  auto lock = TRY(lock_log_directory(files, directory, options.holder));
  auto found = TRY(recover(files, directory, options.use));
  RecoveryReport report;
  report.created = !found;
  if (!found) {
    TRY(create(options));
    found = TRY(recover(files, directory, options.use));
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
  return std::unique_ptr<SegmentStore>(new SegmentStore(
      std::move(options), std::move(lock), *std::move(found), std::move(next), std::move(report)));
}

SegmentStore::SegmentStore(SegmentStoreOptions options, std::unique_ptr<FileLock> lock,
                           RecoveredLog log, OpenSegment next, RecoveryReport report)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      identity_(log.identity),
      recovery_(std::move(report)),
      catalog_(std::make_shared<SegmentCatalog>(std::move(log.segments), log.active.index,
                                                log.active.begin, log.active.end)),
      reader_(*options_.files, options_.directory, identity_, catalog_),
      preparer_(preparing_plan(options_, identity_.log_id), log.active.sequence + 1,
                std::move(next)),
      writer_(std::move(log.active), salt_of(identity_.log_id), options_.use),
      used_(writer_.end_position()) {}

Result<void> SegmentStore::write(Bytes records, uint32_t count, const LogMark& after) {
  if (!writer_.fits(records.size())) TRY(roll());
  const auto indexed = TRY(writer_.append(records, count, after));
  used_ = writer_.end_position();
  catalog_->publish(writer_.end(), writer_.end_position(), indexed);
  return {};
}

Result<void> SegmentStore::roll() {
  TRY(writer_.seal_segment());
  const LogMark end = writer_.end();
  OpenSegment next = preparer_.take();
  next.begin = next.end = end;
  writer_ = SegmentWriter(std::move(next), salt_of(identity_.log_id), options_.use);
  catalog_->roll();
  return {};
}

Result<void> SegmentStore::mark_clean() {
  return write_clean_mark(*options_.files, options_.directory, salt_of(identity_.log_id),
                          writer_.end());
}

}  // namespace tenure
