// The records of a batch, one after the other. Inside a batch nothing but records and, in a mirror,
// stand-ins may lie, so other bytes without our magic are of an unknown format there, not merely
// void.
#pragma once

#include <optional>

#include "engine/log/decision_log.h"

namespace tenure {

class RecordWalk {
 public:
  RecordWalk() = default;
  RecordWalk(std::span<const std::byte> bytes, Offset first, RecordCrc crc)
      : rest_(bytes), offset_(first), crc_(crc) {}

  bool done() const { return rest_.empty(); }

  // Not when done. One that cannot be read (status) is where the walk stays.
  RawRecord next() {
    const ParsedRecord parsed = parse_record(rest_, crc_);
    RawRecord record{offset_, parsed.prefix, parsed.status, parsed.payload};
    if (record.status == RecordStatus::kForeign) {
      const auto foreign = parse_stand_in(rest_);
      if (!foreign) {
        record.status = RecordStatus::kBadFormat;
        return record;
      }
      record.payload = *foreign;
      go_on(kPrefixSize + foreign->size());
    } else if (record.status == RecordStatus::kOk) {
      go_on(parsed.size);
    }
    return record;
  }

 private:
  void go_on(size_t size) {
    rest_ = rest_.subspan(std::min(padded(size), rest_.size()));
    offset_ = offset_.next();
  }

  std::span<const std::byte> rest_;
  Offset offset_;
  RecordCrc crc_ = RecordCrc::kCheck;
};

}  // namespace tenure
