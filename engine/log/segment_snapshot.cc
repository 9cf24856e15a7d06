#include "engine/log/segment_snapshot.h"

namespace tenure {
namespace {

std::unexpected<Error> read_only() {
  return fail(ErrorKind::kUnsupported, "this log was opened for reading alone");
}

}  // namespace

Result<std::unique_ptr<SegmentSnapshot>> SegmentSnapshot::open(FileSystem& files,
                                                               const std::string& directory) {
  return std::unique_ptr<SegmentSnapshot>(
      new SegmentSnapshot(TRY(SegmentReader::open(files, directory, SegmentReader::Tail::kSync))));
}

Result<Session> SegmentSnapshot::open_writer(PartitionId, const Writer&) { return read_only(); }

void SegmentSnapshot::append(PartitionId, Batch, Done done) { done(read_only()); }

}  // namespace tenure
