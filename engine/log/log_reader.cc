#include "engine/log/log_reader.h"

#include <fmt/format.h>

namespace tenure {
namespace {

std::unexpected<Error> lost(Offset at, const std::string& what) {
  return fail(ErrorKind::kCorrupt,
              fmt::format("log record at offset {}: {}; records were lost, restore the log from a "
                          "backup",
                          at.value, what));
}

std::unexpected<Error> newer(Offset at, const std::string& what) {
  return fail(
      ErrorKind::kUnsupported,
      fmt::format("log record at offset {}: {}; upgrade tenure to read on", at.value, what));
}

// Rule 4.
Result<void> check_readable(const RawRecord& record) {
  switch (record.status) {
    case RecordStatus::kOk:
    case RecordStatus::kForeign:
      return {};
    case RecordStatus::kIncomplete:
      return lost(record.offset, "shorter than it says");
    case RecordStatus::kBadCrc:
      return lost(record.offset, "its bytes do not match its checksum");
    case RecordStatus::kBadFormat:
      return newer(record.offset, "of an unknown format or kind");
    case RecordStatus::kNewerReader:
      return newer(record.offset, fmt::format("needs a reader of version {}, this one has {}",
                                              record.prefix.min_reader, kReaderVersion));
  }
  std::unreachable();
}

// Rule 3.
Result<void> check_nothing_lost(const RawRecord& record, const ReaderPosition& position) {
  const RecordPrefix& prefix = record.prefix;
  if (prefix.acked > position.next_number.value) {
    return lost(record.offset, fmt::format("its writer knew {} decisions durable, {} are here",
                                           prefix.acked, position.next_number.value));
  }
  if (prefix.kind == RecordKind::kDecision && prefix.stamp > position.stamp) {
    return lost(record.offset, fmt::format("written under claim {}, the last one here is {}",
                                           prefix.stamp.value, position.stamp.value));
  }
  return {};
}

}  // namespace

// Rule 3, of a decision whose stamp is not above the current one.
Result<void> ReaderRule::check_claim(const RawRecord& decision) {
  if (decision.prefix.stamp.value == 0) return {};  // names none
  const Offset at{decision.prefix.stamp.value - 1};
  auto known = claims_.find(at);
  if (known == claims_.end() && at < begin_) {
    if (!find_claim_) return {};
    known = claims_.emplace(at, TRY(find_claim_(at))).first;
  }
  const auto tag = known == claims_.end() ? std::nullopt : known->second;
  if (tag == decision.prefix.tag) return {};
  return lost(decision.offset,
              fmt::format("the claim that it was written under is not at offset {} "
                          "any more",
                          at.value));
}

Result<Validity> ReaderRule::judge(const RawRecord& record) {
  if (record.offset != position_.next_offset) {
    return lost(record.offset, fmt::format("expected offset {}", position_.next_offset.value));
  }
  TRY(check_readable(record));
  const bool ours = record.status == RecordStatus::kOk;
  if (ours) TRY(check_nothing_lost(record, position_));
  const RecordPrefix& prefix = record.prefix;
  if (ours && prefix.kind == RecordKind::kDecision) TRY(check_claim(record));

  position_.next_offset = record.offset.next();
  if (ours && prefix.kind == RecordKind::kClaim) {
    position_.stamp = {record.offset.value + 1};
    claims_.emplace(record.offset, prefix.tag);
    return Validity::kClaim;
  }
  if (ours && prefix.stamp == position_.stamp && prefix.number == position_.next_number) {
    position_.next_number = prefix.number.next();
    return Validity::kValid;
  }
  ++void_records_;
  return Validity::kVoid;
}

Result<std::unique_ptr<LogReader>> LogReader::at(DecisionLog& log, PartitionId partition,
                                                 Number number) {
  const Offset offset = TRY(log.find(partition, number));
  const auto peek = TRY(log.read(partition, offset));
  const auto record = TRY(peek->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before a decision that it named");
  const ReaderPosition from{offset, number, record->prefix.stamp};
  return std::make_unique<LogReader>(TRY(log.read(partition, offset)), from);
}

Result<std::optional<ValidDecision>> LogReader::next() {
  while (auto record = TRY(cursor_->next())) {
    if (TRY(rule_.judge(*record)) != Validity::kValid) continue;
    return ValidDecision{record->prefix.number, record->offset, record->prefix, record->payload};
  }
  return std::nullopt;
}

}  // namespace tenure
