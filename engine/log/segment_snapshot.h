// A log in files as it is at one moment, for reading alone: beside a writer, without its lock.
#pragma once

#include "engine/log/segment_reader.h"

namespace tenure {

class SegmentSnapshot final : public DecisionLog {
 public:
  // What SegmentReader::open says. Later records are not seen: open another.
  static Result<std::unique_ptr<SegmentSnapshot>> open(FileSystem& files,
                                                       const std::string& directory);

  std::string log_id() const { return to_text(reader_.log_id()); }
  Result<std::string> log_id(PartitionId) override { return log_id(); }

  // Both kUnsupported.
  Result<Session> open_writer(PartitionId partition, const Writer& writer) override;
  void append(PartitionId partition, Batch batch, Done done) override;

  Result<std::unique_ptr<RecordCursor>> read(PartitionId, Offset from) override {
    return reader_.read(from);
  }
  Result<Offset> find(PartitionId, Number number) override { return reader_.find(number); }
  Offset durable_end(PartitionId) const override { return reader_.durable_end(); }

 private:
  explicit SegmentSnapshot(SegmentReader reader) : reader_(std::move(reader)) {}

  const SegmentReader reader_;
};

}  // namespace tenure
