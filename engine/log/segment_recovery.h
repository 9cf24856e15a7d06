// What a log directory holds, found by verifying as much as a start must: every segment's header
// and place in the chain of names, every sealed segment's footer, and the whole active segment. So
// starting costs one segment, not the log; the bodies of sealed ones are verified when read.
//
// The tail of the active segment, where its batches end:
//   - zeros: the end;
//   - a batch that is not whole, and nothing valid behind it: its write was torn, it was never
//     acknowledged; to be cut;
//   - a batch that is not whole, and a valid header behind it, which is written only after the
//     first was synced: damage. So is an end before a witness's (the clean-stop mark).
// A bit flipped in the very last batch looks like a torn write, unless there is a witness.
// In a copy (SegmentUse) batches reach the disk in any order, so all behind the first bad one is
// cut.
#pragma once

#include "engine/log/segment_catalog.h"
#include "engine/log/segment_writer.h"

namespace tenure {

struct RecoveredLog {
  LogIdentity identity;
  std::vector<SegmentExtent> segments;  // the last one is active
  OpenSegment active;                   // without its file
  bool next_is_ready = false;           // a further, empty segment is there
  uint64_t next_size = 0;
  uint64_t bytes = 0;  // of all segment files

  // The log without its last batch if nothing proves that one durable, else equal to the active
  // segment's end: what may be read while somebody else may be writing.
  LogMark proven_end;
  uint64_t proven_position = 0;
  bool stopped_cleanly = false;  // at exactly this end

  uint64_t torn_end = 0;  // bytes from the active segment's end_position to here are to be cut
  uint64_t torn_bytes() const {
    return torn_end > active.end_position ? torn_end - active.end_position : 0;
  }
};

// Changes nothing. Nothing found if there is no log. kCorrupt: damage, with segment and byte;
// kInvalid: not a log's directory; kUnsupported, kIo.
Result<std::optional<RecoveredLog>> recover(FileSystem& files, const std::string& directory,
                                            SegmentUse use = SegmentUse::kLog);

// The same while somebody may be writing: looks again at what seems damaged, as a writer that moved
// on between two reads makes it seem. kNotFound if there is no log.
Result<RecoveredLog> recover_beside_writer(FileSystem& files, const std::string& directory);

// Makes the directory as if the torn batch had never been written, and whole what the last writer
// may have left in the page cache only. Under the lock; opens the active segment for writing.
Result<void> repair(FileSystem& files, const std::string& directory, RecoveredLog& log);

// A segment's header and, if it is sealed, its footer.
struct SegmentEnds {
  SegmentHeader header;
  std::optional<SegmentFooter> footer;
};
// kCorrupt if the header is not this segment's, or the file's size not the header's.
Result<SegmentEnds> read_segment_ends(FileSystem& files, const std::string& directory,
                                      const LogIdentity& identity, uint64_t sequence);
// The index of a sealed segment.
Result<std::vector<IndexEntry>> read_index(const File& file, const std::string& directory,
                                           const LogIdentity& identity, const SegmentEnds& ends);
// The sequences that have a file, in order. kCorrupt if they are not 0, 1, 2, ...
Result<uint64_t> count_segments(FileSystem& files, const std::string& directory);
// One past the last byte that is not zero, of those from `from` to `to`; `from` if all are.
Result<uint64_t> end_of_content(const File& file, uint64_t from, uint64_t to);

}  // namespace tenure
