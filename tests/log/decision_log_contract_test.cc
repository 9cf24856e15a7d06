#include "tests/log/decision_log_contract.h"

#include <thread>

#include "engine/log/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

struct InMemory {
  MemoryLog memory;

  DecisionLog& log() { return memory; }
  void step() { memory.pump(); }
  void restart() {}  // claiming again is enough
};

struct SegmentsStepped {
  SimulatedFileSystem files;
  std::unique_ptr<SegmentLog> segments = must(SegmentLog::open(small_segments(files)));

  DecisionLog& log() { return *segments; }
  void step() { segments->pump(); }
  void restart() {
    must(segments->close());
    segments.reset();
    files.crash();
    segments = must(SegmentLog::open(small_segments(files)));
  }
};

// On the real file system, with its own threads; batches of up to `inline_bytes` are written by the
// caller.
template <size_t inline_bytes>
struct SegmentsThreaded {
  TemporaryDirectory directory;
  std::unique_ptr<SegmentLog> segments = open();

  DecisionLog& log() { return *segments; }
  void step() { std::this_thread::yield(); }
  void restart() {
    must(segments->close());
    segments = open();
  }
  std::unique_ptr<SegmentLog> open() {
    auto options = small_segments(posix_file_system(), directory.path() + "/log");
    options.own_thread = true;
    options.inline_bytes = inline_bytes;
    return must(SegmentLog::open(std::move(options)));
  }
};

using Logs = testing::Types<InMemory, SegmentsStepped, SegmentsThreaded<0>, SegmentsThreaded<200>,
                            SegmentsThreaded<1u << 20>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Logs, DecisionLogContract, Logs);

}  // namespace
}  // namespace tenure::test
