// Makes the next segment ahead of need: zero-filled in small pieces under a temporary name, each
// piece synced, then renamed and the directory synced. A zero-filled file syncs twice as fast as
// one that grows, and in small steps at a given pace the filling does not hold up the log's own
// syncs.
//
// A copy's segments are sparse: made in one step, as nothing of it is synced batch by batch.
//
// A full disk is not a failure: what was begun is deleted, refusal() says so, and a later step
// tries again. Any other error is one (kIo) and is never retried.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "engine/log/segment_writer.h"

namespace tenure {

class SegmentPreparer {
 public:
  struct Plan {
    FileSystem* files;
    std::string directory;
    LogId log_id;
    uint64_t segment_bytes;
    uint64_t reserve_bytes;  // work is refused while less than 2 segments + this are free
    SegmentUse use;
  };
  // `ready` has a file if segment `next` is there already.
  SegmentPreparer(Plan plan, uint64_t next, OpenSegment ready);

  static constexpr uint64_t kPiece = 256u << 10;

  // One step, if fewer than `target` bytes of the next segment are there; true if it got further.
  // Always looks at the free space. From one thread.
  Result<bool> step(uint64_t target);

  // The rest: any thread.
  bool wants(uint64_t target) const { return !ready() && filled_ < target; }
  bool ready() const { return ready_; }
  OpenSegment take();  // when ready; the one after it is the next from then on
  bool refusing() const { return refusing_; }
  std::optional<std::string> refusal() const;

 private:
  Result<void> fill_piece();
  Result<void> finish();
  Result<void> give_up(const Error& error);
  void refuse(std::optional<std::string> why);
  std::string final_path() const;
  std::string unfinished_path() const;

  const Plan plan_;
  std::unique_ptr<File> file_;  // being filled
  std::atomic<uint64_t> filled_ = 0;
  std::atomic<bool> ready_;

  mutable std::mutex mutex_;
  uint64_t next_;
  OpenSegment prepared_;
  std::atomic<bool> refusing_ = false;
  std::string refusal_;
};

}  // namespace tenure
