#include "engine/log/segment_preparer.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/log/fail_point.h"
#include "engine/log/log_directory.h"

namespace tenure {

SegmentPreparer::SegmentPreparer(Plan plan, uint64_t next, OpenSegment ready)
    : plan_(std::move(plan)),
      ready_(ready.file != nullptr),
      next_(next),
      prepared_(std::move(ready)) {}

std::string SegmentPreparer::final_path() const {
  const std::scoped_lock lock(mutex_);
  return path_in(plan_.directory, segment_name(next_));
}

std::string SegmentPreparer::unfinished_path() const {
  return final_path() + std::string(kUnfinished);
}

Result<bool> SegmentPreparer::step(uint64_t target) {
  const uint64_t free = TRY(plan_.files->free_bytes(plan_.directory));
  const uint64_t needed = 2 * plan_.segment_bytes + plan_.reserve_bytes;
  if (free < needed) {
    refuse(
        fmt::format("the disk of {} is nearly full: {} bytes are free, {} are needed; make space",
                    plan_.directory, free, needed));
    if (!file_) return false;
  } else {
    refuse(std::nullopt);
  }
  if (!wants(target)) return false;
  auto done = fill_piece();
  if (done && filled_ == plan_.segment_bytes) done = finish();
  if (done) return true;
  TRY(give_up(done.error()));
  return false;
}

Result<void> SegmentPreparer::fill_piece() {
  static const std::vector<std::byte> zeros(kPiece);
  if (!file_) {
    TRY(remove_if_there(*plan_.files, unfinished_path()));
    file_ = TRY(plan_.files->open(unfinished_path(), OpenMode::kCreateNew));
    fail_point("prepare.after_create");
  }
  const bool sparse = plan_.use == SegmentUse::kCopy;
  const uint64_t at = filled_;
  const uint64_t size = std::min(kPiece, plan_.segment_bytes - at);
  if (at == 0) {
    SegmentHeader header;
    header.log_id = plan_.log_id;
    {
      const std::scoped_lock lock(mutex_);
      header.sequence = next_;
    }
    header.size = plan_.segment_bytes;
    seal(header, salt_of(plan_.log_id));
    TRY(file_->write_at(0, {bytes_of(header), Bytes(zeros).first(size - sizeof(header))}));
  } else {
    TRY(file_->write_at(at, {Bytes(zeros).first(size)}));
  }
  if (sparse) TRY(file_->truncate(plan_.segment_bytes));
  TRY(file_->sync());
  fail_point("prepare.after_piece");
  filled_ = sparse ? plan_.segment_bytes : at + size;
  return {};
}

Result<void> SegmentPreparer::finish() {
  fail_point("prepare.before_rename");
  TRY(plan_.files->rename(unfinished_path(), final_path()));
  TRY(plan_.files->sync_directory(plan_.directory));
  fail_point("prepare.after_rename");
  const std::scoped_lock lock(mutex_);
  prepared_ = {};
  prepared_.file = std::move(file_);
  prepared_.sequence = next_;
  prepared_.size = plan_.segment_bytes;
  filled_ = 0;
  ready_ = true;
  return {};
}

Result<void> SegmentPreparer::give_up(const Error& error) {
  if (error.kind != ErrorKind::kUnavailable) return std::unexpected(error);
  file_.reset();
  filled_ = 0;
  refuse(error.message + "; make space");
  return remove_if_there(*plan_.files, unfinished_path());
}

OpenSegment SegmentPreparer::take() {
  CHECK(ready_);
  const std::scoped_lock lock(mutex_);
  ready_ = false;
  ++next_;
  return std::move(prepared_);
}

void SegmentPreparer::refuse(std::optional<std::string> why) {
  const std::scoped_lock lock(mutex_);
  refusing_ = why.has_value();
  if (why) refusal_ = std::move(*why);
}

std::optional<std::string> SegmentPreparer::refusal() const {
  if (!refusing_) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  return refusal_;
}

}  // namespace tenure
