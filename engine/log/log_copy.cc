#include "engine/log/log_copy.h"

#include <cstring>
#include <limits>

#include "engine/log/log_directory.h"
#include "engine/log/segment_store.h"

namespace tenure {
namespace {

constexpr size_t kBatchBytes = 1u << 20;

Result<std::unique_ptr<SegmentStore>> open_copy(FileSystem& files, const std::string& to,
                                                const LogId& of, CopyIdentity identity) {
  TRY(files.create_directory(to));
  SegmentStoreOptions options;
  options.directory = to;
  options.files = &files;
  options.holder = lock_holder("copying a log", "");
  if (identity == CopyIdentity::kSame) options.new_log_id = [of] { return of; };
  auto copy = TRY(SegmentStore::open(std::move(options)));
  if (identity == CopyIdentity::kSame && copy->identity().log_id != of) {
    return fail(ErrorKind::kInvalid, to + " holds a copy of log " +
                                         to_text(copy->identity().log_id) + ", not of " +
                                         to_text(of) + "; choose another directory");
  }
  return copy;
}

Result<std::vector<std::byte>> record_at(const SegmentReader& log, Offset offset) {
  auto cursor = TRY(log.read(offset));
  const auto record = TRY(cursor->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before its own end");
  return std::vector(record->payload.data() - kPrefixSize,
                     record->payload.data() + record->payload.size());
}

// Whether the log goes on where the copy ends.
Result<void> check_end(const SegmentReader& log, const SegmentReader& copy, const std::string& to) {
  const Offset end = copy.durable_end();
  if (end.value == 0) return {};
  const Offset last{end.value - 1};
  if (log.durable_end() >= end && TRY(record_at(log, last)) == TRY(record_at(copy, last)))
    return {};
  return fail(ErrorKind::kInvalid, "the log does not go on where its copy in " + to +
                                       " ends: it was restored since, or lost something; choose "
                                       "another directory, and look at both with tenure doctor");
}

// Gathers records into batches of the copy.
class Copying {
 public:
  explicit Copying(SegmentStore& copy)
      : copy_(copy), rule_(copy.end().reader()), after_(copy.end()) {}

  Result<void> take(const RawRecord& record) {
    const Validity validity = TRY(rule_.judge(record));
    if (record.status != RecordStatus::kOk) {
      return fail(ErrorKind::kCorrupt,
                  "record " + std::to_string(record.offset.value) + " is none of a log in files");
    }
    const size_t size = kPrefixSize + record.payload.size();
    if (count_ > 0 && batch_.size() + padded(size) > kBatchBytes) TRY(flush());
    std::memcpy(batch_.grow(size), record.payload.data() - kPrefixSize, size);
    ++count_;
    if (validity == Validity::kClaim) ++after_.claims;
    after_.next_offset = rule_.position().next_offset.value;
    after_.next_number = rule_.position().next_number.value;
    after_.stamp = rule_.position().stamp.value;
    return {};
  }

  Result<void> flush() {
    if (count_ == 0) return {};
    while (!copy_.has_room(batch_.size())) {
      if (TRY(copy_.preparer().step(std::numeric_limits<uint64_t>::max()))) continue;
      return fail(ErrorKind::kUnavailable, "the copy stops: " + *copy_.preparer().refusal());
    }
    TRY(copy_.write(batch_.view(), count_, after_));
    batch_.clear();
    count_ = 0;
    return {};
  }

 private:
  SegmentStore& copy_;
  ReaderRule rule_;
  LogMark after_;
  AlignedBytes batch_;
  uint32_t count_ = 0;
};

}  // namespace

Result<LogCopy> copy_log(FileSystem& files, const std::string& from, const std::string& to,
                         CopyIdentity identity, const CopyProgress& progress) {
  const SegmentReader log = TRY(SegmentReader::open(files, from, SegmentReader::Tail::kSync));
  auto copy = TRY(open_copy(files, to, log.log_id(), identity));
  TRY(check_end(log, copy->reader(), to));
  const uint64_t begin = copy->end().next_offset, end = log.durable_end().value;
  Copying copying(*copy);
  auto cursor = TRY(log.read(Offset{begin}));
  for (uint64_t offset = begin; offset < end; ++offset) {
    const auto record = cursor->next();
    if (!record) {
      TRY(copying.flush());
      return std::unexpected(record.error());
    }
    if (!*record) return fail(ErrorKind::kCorrupt, "the log ends before its own end");
    TRY(copying.take(**record));
    if (progress && offset % 100'000 == 0) progress(offset, end);
  }
  TRY(copying.flush());
  TRY(copy->mark_clean());
  return LogCopy{.log_id = to_text(copy->identity().log_id),
                 .decisions = copy->end().next_number,
                 .records = end,
                 .new_records = end - begin};
}

}  // namespace tenure
