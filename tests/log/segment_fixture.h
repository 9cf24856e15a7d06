// A segment log of 16 KiB segments on a simulated disk, that is started, written, stopped, killed
// and cut off from power; it keeps count of what was handed over and of what was acknowledged. And
// its files, to damage copies of.
#pragma once

#include <gmock/gmock.h>

#include <map>

#include "engine/log/log_directory.h"
#include "engine/log/segment_check.h"
#include "tests/log/log_fixture.h"
#include "tests/support/faulty_file_system.h"

namespace tenure::test {

class SegmentFixture {
 public:
  explicit SegmentFixture(uint64_t seed = 1) : files(seed), options(small_segments(files)) {}

  Result<void> try_start() {
    log_.reset();
    log_ = TRY(SegmentLog::open(options));
    session_ = TRY(log_->open_writer(kPartition, kWriter));
    submitted_ = session_.next.value;
    return {};
  }
  void start() { must(try_start()); }

  // Hands over batches; what becomes of them is counted.
  void append(uint32_t count, size_t payload_size = 20) {
    Batch batch = make_batch(session_, count, payload_size, acked_);
    submitted_ = session_.next.value;
    log_->append(kPartition, std::move(batch), [this, end = submitted_](Result<void> result) {
      if (result) acknowledged_ = std::max(acknowledged_, end);
      if (!result) last_failure_ = result.error();
      ++answered_;
    });
  }
  void write(uint32_t count, size_t payload_size = 20) {
    append(count, payload_size);
    pump_all(*log_);
  }
  // So that the log has at least so many segments with batches in them.
  void fill_segments(uint64_t segments) {
    while (log_->durable_end(kPartition).value == 0 || segment_files() < segments + 1) {
      write(3, 400);
    }
  }

  void stop() {
    must(log_->close());
    log_.reset();
  }
  void kill() {
    files.kill();
    log_.reset();
  }
  void lose_power() {
    files.crash();
    log_.reset();
  }

  History history() { return history_of(*log_); }
  SegmentLog& log() { return *log_; }
  const std::string& directory() const { return options.directory; }

  std::string path(uint64_t segment) const {
    return path_in(options.directory, segment_name(segment));
  }
  uint64_t segment_files() {
    uint64_t count = 0;
    for (const auto& name : must(files.list(options.directory))) {
      count += segment_sequence(name) ? 1 : 0;
    }
    return count;
  }

  SimulatedFileSystem files;
  SegmentOptions options;
  uint64_t submitted_ = 0;     // decisions handed over, recovered ones counted
  uint64_t acknowledged_ = 0;  // decisions
  uint64_t answered_ = 0;      // batches
  std::optional<Error> last_failure_;
  uint64_t acked_ = 0;  // what the records of further batches say

 private:
  Session session_;
  std::unique_ptr<SegmentLog> log_;
};

using Content = std::vector<std::byte>;

// The files of a log directory, to damage copies of.
using Snapshot = std::map<std::string, Content>;

inline Snapshot snapshot_of(SegmentFixture& log) {
  Snapshot snapshot;
  for (const auto& name : must(log.files.list(log.directory()))) {
    snapshot[name] = log.files.contents(path_in(log.directory(), name));
  }
  return snapshot;
}

inline std::unique_ptr<SegmentFixture> with_files(const Snapshot& snapshot) {
  auto log = std::make_unique<SegmentFixture>();
  must(log->files.create_directory(log->directory()));
  for (const auto& [name, content] : snapshot) {
    log->files.set_contents(path_in(log->directory(), name), content);
  }
  return log;
}

}  // namespace tenure::test
