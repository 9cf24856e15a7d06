#include "engine/log/segment_probe.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "engine/log/log_directory.h"
#include "engine/log/segment_preparer.h"
#include "engine/log/segment_reader.h"

namespace tenure {
namespace {

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

// A zero-filled segment in a directory of its own, deleted again.
class ProbeSegment {
 public:
  static Result<ProbeSegment> make(const std::string& directory, uint64_t bytes) {
    FileSystem& files = posix_file_system();
    ProbeSegment probe(path_in(directory, "probe-" + std::to_string(::getpid())));
    TRY(files.create_directory(probe.directory_));
    SegmentPreparer preparer({&files, probe.directory_, LogId{}, bytes, 0, SegmentUse::kLog}, 0,
                             {});
    while (!preparer.ready()) {
      if (!TRY(preparer.step(bytes))) {
        return fail(ErrorKind::kUnavailable, "cannot probe: " + *preparer.refusal());
      }
    }
    probe.segment_ = preparer.take();
    return probe;
  }
  ProbeSegment(ProbeSegment&& other) noexcept
      : directory_(std::exchange(other.directory_, "")), segment_(std::move(other.segment_)) {}
  ProbeSegment& operator=(ProbeSegment&&) = delete;
  ~ProbeSegment() {
    if (directory_.empty()) return;
    (void)remove_if_there(posix_file_system(), path_in(directory_, segment_name(0)));
    ::rmdir(directory_.c_str());
  }
  OpenSegment take() { return std::move(segment_); }

 private:
  explicit ProbeSegment(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
  OpenSegment segment_;
};

}  // namespace

Result<std::chrono::nanoseconds> probe_sync(const std::string& directory, int writes) {
  constexpr uint64_t kBlock = 4096;
  auto probe = TRY(ProbeSegment::make(directory, kBlock * static_cast<uint64_t>(writes)));
  const OpenSegment segment = probe.take();
  const std::vector<std::byte> block(kBlock, std::byte{1});
  std::vector<std::chrono::nanoseconds> times;
  for (int i = 0; i < writes; ++i) {
    const auto start = Steady::now();
    TRY(segment.file->write_at(kBlock * static_cast<uint64_t>(i), {block}));
    TRY(segment.file->sync());
    times.push_back(Steady::now() - start);
  }
  std::ranges::nth_element(times, times.begin() + writes / 2);
  return times[static_cast<size_t>(writes / 2)];
}

Result<WriterProbe> probe_writer(const std::string& directory, size_t payload_bytes,
                                 size_t batch_bytes, uint64_t total_bytes) {
  auto probe = TRY(ProbeSegment::make(directory, total_bytes));
  SegmentWriter writer(probe.take(), 0, SegmentUse::kLog);
  const std::vector<std::byte> payload(payload_bytes, std::byte{1});
  WriterProbe result;
  AlignedBytes batch;
  LogMark mark;
  const auto start = Steady::now();
  for (;;) {
    batch.clear();
    uint32_t count = 0;
    for (; count == 0 || batch.size() < batch_bytes; ++count) {
      append_record(batch, {.stamp = {1}, .number = {mark.next_number++}}, payload);
    }
    if (!writer.fits(batch.size())) break;
    mark.next_offset += count;
    TRY(writer.append(batch.view(), count, mark));
    result.records += count;
    result.bytes += batch.size();
  }
  result.seconds = seconds_since(start);
  return result;
}

Result<ReaderProbe> probe_reader(const std::string& log_directory) {
  const auto reader = TRY(SegmentReader::open(posix_file_system(), log_directory));
  ReaderProbe result;
  LogReader decisions(TRY(reader.read(Offset{0})), {});
  const auto start = Steady::now();
  while (TRY(decisions.next())) ++result.decisions;
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace tenure
