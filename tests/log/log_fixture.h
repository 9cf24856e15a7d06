// What the log's tests share: payloads that are told apart by their number, a writer that keeps
// count of what was acknowledged, and reading back.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/log/log_reader.h"
#include "engine/log/segment_log.h"
#include "tests/support/simulated_file_system.h"

namespace tenure::test {

inline constexpr PartitionId kPartition{0};
inline const Writer kWriter{"host:1", "127.0.0.1:1", "test", 1};

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The value, or a failed test and an end of the program with the error's words.
template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline std::string payload_of(uint64_t number, size_t size = 20) {
  std::string text = fmt::format("decision {} ", number);
  while (text.size() < size) text += static_cast<char>('a' + (text.size() + number) % 26);
  return text;
}

// Decisions `session.next` on, `count` of them; moves the session on.
inline Batch make_batch(Session& session, uint32_t count, size_t payload_size = 20,
                        uint64_t acked = 0) {
  Batch batch{session.next, count, {}};
  for (uint32_t i = 0; i < count; ++i) {
    append_record(
        batch.bytes,
        {.stamp = session.stamp, .number = session.next, .acked = acked, .tag = session.tag},
        as_bytes(payload_of(session.next.value, payload_size)));
    session.next = session.next.next();
  }
  return batch;
}

// The valid decisions of a log from a position on; what ended the reading, if it was an error.
struct History {
  std::vector<std::string> payloads;
  std::vector<uint64_t> offsets;
  uint64_t void_records = 0;
  std::optional<Error> error;
};
inline History history_of(std::unique_ptr<RecordCursor> cursor, ReaderPosition from = {}) {
  History history;
  LogReader reader(std::move(cursor), from);
  for (;;) {
    auto decision = reader.next();
    if (!decision) history.error = decision.error();
    if (!decision || !*decision) break;
    history.payloads.push_back(as_text((*decision)->payload));
    history.offsets.push_back((*decision)->offset.value);
  }
  history.void_records = reader.void_records();
  return history;
}
inline History history_of(DecisionLog& log) {
  return history_of(must(log.read(kPartition, Offset{0})));
}

// What a history of this many decisions holds.
inline std::vector<std::string> payloads(uint64_t count, size_t size = 20) {
  std::vector<std::string> all;
  for (uint64_t number = 0; number < count; ++number) all.push_back(payload_of(number, size));
  return all;
}

// A segment log of small segments on one thread, over the given disk.
inline SegmentOptions small_segments(FileSystem& files, std::string directory = "data/log") {
  SegmentOptions options;
  options.directory = std::move(directory);
  options.segment_bytes = 16u << 10;
  options.reserve_bytes = 0;
  options.own_thread = false;
  options.files = &files;
  options.new_log_id = [] {
    LogId id;
    id.fill(std::byte{7});
    return id;
  };
  return options;
}

inline void pump_all(SegmentLog& log) {
  while (log.pump()) {
  }
}

}  // namespace tenure::test
