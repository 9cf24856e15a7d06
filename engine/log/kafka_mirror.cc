#include "engine/log/kafka_mirror.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "engine/log/log_directory.h"

namespace tenure {
namespace {

constexpr size_t kBatchBytes = 1u << 20;

// A Kafka value is whole, so one that is too short for our magic does not have it.
ParsedRecord parse_value(std::span<const std::byte> value) {
  ParsedRecord parsed = parse_record(value);
  if (value.size() < sizeof(kRecordMagic)) parsed.status = RecordStatus::kForeign;
  return parsed;
}

size_t batch_limit(const SegmentStoreOptions& store) {
  return std::min<size_t>(kBatchBytes, largest_batch(store.segment_bytes));
}

}  // namespace

// A cursor over the files that waits for what is known to exist, and ends with what stopped the
// mirror.
class KafkaMirror::Cursor final : public RecordCursor {
 public:
  Cursor(const KafkaMirror& mirror, std::unique_ptr<RecordCursor> files, Offset next)
      : mirror_(mirror), files_(std::move(files)), next_(next) {}

  Result<std::optional<RawRecord>> next() override {
    while (true) {
      if (auto record = TRY(files_->next())) {
        next_ = record->offset.next();
        return record;
      }
      if (next_ < mirror_.known_end()) {
        TRY(mirror_.wait_for(next_.next()));
        continue;
      }
      if (mirror_.mirrored_end() > next_) continue;
      if (auto stopped = mirror_.state().stopped) return std::unexpected(*std::move(stopped));
      return std::nullopt;
    }
  }

 private:
  const KafkaMirror& mirror_;
  std::unique_ptr<RecordCursor> files_;
  Offset next_;
};

Result<void> KafkaMirror::remove(const SegmentStoreOptions& store) {
  const auto lock = TRY(lock_log_directory(*store.files, store.directory, store.holder));
  TRY(remove_if_there(*store.files, path_in(store.directory, kIdentityName)));
  for (const std::string& name : TRY(store.files->list(store.directory))) {
    if (name != kLockName) TRY(store.files->remove(path_in(store.directory, name)));
  }
  return store.files->sync_directory(store.directory);
}

Result<std::unique_ptr<KafkaMirror>> KafkaMirror::open(MirrorOptions options, std::string rebuilt) {
  auto store = SegmentStore::open(options.store);
  if (!store && store.error().kind == ErrorKind::kCorrupt) {
    rebuilt = store.error().message;
    TRY(remove(options.store));
    store = SegmentStore::open(options.store);
  }
  // Apart from `new`: returning from within its arguments would leak what it allocated.
  auto files = TRY(std::move(store));
  std::unique_ptr<KafkaMirror> mirror(new KafkaMirror(std::move(options), std::move(files)));
  mirror->rebuilt_ = std::move(rebuilt);
  TRY(mirror->read_claims());
  return mirror;
}

KafkaMirror::KafkaMirror(MirrorOptions options, std::unique_ptr<SegmentStore> store)
    : options_(std::move(options)),
      store_(std::move(store)),
      rule_(store_->end().reader(), [this](Offset offset) { return tag_of_claim(offset); }),
      book_(options_.log),
      batch_end_(store_->end()) {
  state_.end = store_->end();
}

// The first claim names the log, the last one the owner.
Result<void> KafkaMirror::read_claims() {
  const LogMark end = store_->end();
  if (end.stamp == 0) return {};
  auto cursor = TRY(store_->reader().read({}));
  ReaderRule rule;
  while (const auto record = TRY(cursor->next())) {
    if (TRY(rule.judge(*record)) != Validity::kClaim) continue;
    TRY(book_.read(*record, rule.position().next_number));
    break;
  }
  cursor = TRY(store_->reader().read({end.stamp - 1}));
  const auto last = TRY(cursor->next());
  if (last) TRY(book_.read(*last, last->prefix.number));
  state_.owner = book_.owner();
  state_.log_id = book_.log().log_id;
  return {};
}

Result<std::optional<std::vector<std::byte>>> KafkaMirror::last_value() const {
  const LogMark end = store_->end();
  if (end.next_offset == 0) return std::nullopt;
  auto cursor = TRY(store_->reader().read({end.next_offset - 1}));
  const auto record = TRY(cursor->next());
  if (!record) return std::nullopt;
  const std::byte* begin = record->payload.data();
  if (record->status == RecordStatus::kOk) begin -= kPrefixSize;
  return std::vector(begin, record->payload.data() + record->payload.size());
}

Result<void> KafkaMirror::take(Offset offset, std::span<const std::byte> value) {
  if (offset < next_offset()) return {};  // read again after a pause
  const size_t size = padded(kPrefixSize + value.size());
  if (batch_count_ > 0 && batch_.size() + size > batch_limit(options_.store)) TRY(flush());
  const ParsedRecord parsed = parse_value(value);
  const Validity validity =
      TRY(rule_.judge({offset, parsed.prefix, parsed.status, parsed.payload}));
  const ReaderPosition& position = rule_.position();
  if (validity == Validity::kClaim) {
    TRY(read_claim({offset, parsed.prefix, parsed.status, parsed.payload}));
    ++batch_end_.claims;
  }
  if (parsed.status == RecordStatus::kOk) {
    std::memcpy(batch_.grow(parsed.size), value.data(), parsed.size);
  } else {
    append_stand_in(batch_, value);
  }
  ++batch_count_;
  batch_end_.next_offset = position.next_offset.value;
  batch_end_.next_number = position.next_number.value;
  batch_end_.stamp = position.stamp.value;
  return {};
}

// Of one that was here when the mirror was opened.
Result<std::optional<uint64_t>> KafkaMirror::tag_of_claim(Offset offset) const {
  const auto cursor = TRY(store_->reader().read(offset));
  const auto record = TRY(cursor->next());
  const bool is_claim =
      record && record->status == RecordStatus::kOk && record->prefix.kind == RecordKind::kClaim;
  return is_claim ? std::optional(record->prefix.tag) : std::nullopt;
}

// From aligned memory, which what came from Kafka is not.
Result<void> KafkaMirror::read_claim(RawRecord claim) {
  AlignedBytes copy;
  std::memcpy(copy.grow(claim.payload.size()), claim.payload.data(), claim.payload.size());
  claim.payload = copy.view().first(claim.payload.size());
  return book_.read(claim, rule_.position().next_number);
}

Result<void> KafkaMirror::make_room(size_t bytes) {
  while (!store_->has_room(bytes)) {
    if (TRY(store_->preparer().step(std::numeric_limits<uint64_t>::max()))) continue;
    return fail(ErrorKind::kUnavailable, "the mirror waits: " + *refusal());
  }
  return {};
}

Result<void> KafkaMirror::flush() {
  if (batch_count_ == 0) return {};
  TRY(make_room(batch_.size()));
  TRY(store_->write(batch_.view(), batch_count_, batch_end_));
  batch_.clear();
  batch_count_ = 0;
  {
    const std::scoped_lock lock(mutex_);
    state_.end = store_->end();
    state_.owner = book_.owner();
    state_.log_id = book_.log().log_id;
  }
  moved_.notify_all();
  return {};
}

void KafkaMirror::stop(const Error& error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!state_.stopped) state_.stopped = error;
  }
  moved_.notify_all();
}

KafkaMirror::State KafkaMirror::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

void KafkaMirror::know(Offset end) {
  uint64_t known = known_end_.load();
  while (known < end.value && !known_end_.compare_exchange_weak(known, end.value)) {
  }
}

Result<void> KafkaMirror::wait_for(Offset end) const {
  std::unique_lock lock(mutex_);
  while (state_.end.next_offset < end.value) {
    if (state_.stopped) return std::unexpected(*state_.stopped);
    const uint64_t before = state_.end.next_offset;
    moved_.wait_for(lock, options_.patience,
                    [&] { return state_.end.next_offset != before || state_.stopped; });
    if (state_.end.next_offset != before || state_.stopped) continue;
    return fail(
        ErrorKind::kUnavailable,
        fmt::format("partition {} holds records up to offset {}, but after {} none came from "
                    "Kafka for {} ms; try again",
                    options_.log.partition.value, end.value, before, options_.patience.count()));
  }
  return {};
}

Result<std::unique_ptr<RecordCursor>> KafkaMirror::read(Offset from) const {
  if (from <= known_end()) TRY(wait_for(from));
  return std::make_unique<Cursor>(*this, TRY(store_->reader().read(from)), from);
}

Result<Offset> KafkaMirror::find(Number number) const {
  auto found = store_->reader().find(number);
  if (found || found.error().kind != ErrorKind::kNotFound) return found;
  TRY(wait_for(known_end()));
  return store_->reader().find(number);
}

}  // namespace tenure
