// Bytes as what became of a log's files: `d` damaged, `f` forged. A damaged log either says so, or
// is a prefix of what was written, which can be written on and started again; what is refused is
// left as it is. A forged one has whatever the input puts there, under checksums that hold: it is
// refused, or read to an end; and if the deep check passes it, it holds what that says.
//
// Checksums are no signatures, and a fuzzer learns what they are compared with. So damage is what
// CRC32C is sure to notice, a burst of up to 32 bits a file, and what has no byte of the input's
// choice: pieces filled, cut off, doubled, files left out or swapped.
#include "engine/base/check.h"
#include "tests/fuzz/input.h"
#include "tests/log/segment_fixture.h"

using namespace tenure;
using namespace tenure::test;

namespace {

constexpr size_t kPayload = 400;

struct Written {
  Snapshot files;
  uint64_t decisions;
};

// Two sealed segments, the active one, and one made ahead.
Written write_log(bool cleanly_stopped) {
  SegmentFixture log;
  log.start();
  log.fill_segments(3);
  const uint64_t decisions = log.acknowledged_;
  cleanly_stopped ? log.stop() : log.kill();
  return {snapshot_of(log), decisions};
}

const Written& written(bool cleanly_stopped) {
  static const Written kStopped = write_log(true), kKilled = write_log(false);
  return cleanly_stopped ? kStopped : kKilled;
}

Snapshot::iterator chosen_file(Snapshot& files, Input& input) {
  return std::next(files.begin(), static_cast<ptrdiff_t>(input.below(files.size())));
}

void damage_file(Content& bytes, Input& input) {
  if (bytes.empty()) return;
  const auto at = bytes.begin() + static_cast<ptrdiff_t>(input.place(bytes.size()));
  const auto length =
      static_cast<ptrdiff_t>(1 + input.place(static_cast<size_t>(bytes.end() - at)));
  switch (input.below(4)) {
    case 0:
      for (ptrdiff_t i = 0; i < std::min<ptrdiff_t>(4, length); ++i) {
        at[i] ^= static_cast<std::byte>(input.byte());
      }
      return;
    case 1:
      std::fill_n(at, length, input.below(2) == 0 ? std::byte{0} : std::byte{0xA5});
      return;
    case 2:
      bytes.erase(at, bytes.end());
      return;
    default: {
      const Content piece(at, at + length);
      const size_t to = input.place(bytes.size() - piece.size() + 1);
      std::ranges::copy(piece, bytes.begin() + static_cast<ptrdiff_t>(to));
    }
  }
}

// Each file once at most, then perhaps one that is left out or stands for another.
void damage(Snapshot& files, Input& input) {
  for (auto& [name, content] : files) {
    if (input.below(2) == 0) damage_file(content, input);
  }
  if (input.below(4) == 0) files.erase(chosen_file(files, input));
  if (input.below(4) == 0) chosen_file(files, input)->second = chosen_file(files, input)->second;
}

// Puts the checksum right of a block that is wholly there.
template <class Block>
void seal_at(Content& bytes, size_t at, uint32_t salt, const std::function<void(Block&)>& first) {
  if (at > bytes.size() || bytes.size() - at < sizeof(Block)) return;
  Block block;
  std::memcpy(&block, bytes.data() + at, sizeof(Block));
  first(block);
  seal(block, salt);
  std::memcpy(bytes.data() + at, &block, sizeof(Block));
}

// The part of a file that a block says it covers, as far as it is there.
Bytes covered(const Content& bytes, uint64_t at, uint64_t length) {
  at = std::min<uint64_t>(at, bytes.size());
  return Bytes(bytes).subspan(at, std::min<uint64_t>(length, bytes.size() - at));
}

void seal_segment(Content& bytes, uint32_t salt) {
  seal_at<SegmentHeader>(bytes, 0, salt, [](SegmentHeader&) {});
  const uint32_t magic = BatchHeader{}.magic;
  size_t at = sizeof(SegmentHeader);
  while (at + sizeof(BatchHeader) <= bytes.size() &&
         std::memcmp(bytes.data() + at, &magic, sizeof(magic)) == 0) {
    uint64_t length = 0;
    seal_at<BatchHeader>(bytes, at, salt, [&](BatchHeader& header) {
      length = header.length;
      header.body_crc = crc32c(salt, covered(bytes, at + sizeof(BatchHeader), length));
    });
    at += sizeof(BatchHeader) + length;
  }
  const uint32_t footer_magic = SegmentFooter{}.magic;
  const size_t footer = bytes.size() - std::min(bytes.size(), sizeof(SegmentFooter));
  if (std::memcmp(bytes.data() + footer, &footer_magic, sizeof(footer_magic)) != 0) return;
  seal_at<SegmentFooter>(bytes, footer, salt, [&](SegmentFooter& found) {
    const uint64_t index = sizeof(IndexEntry) * uint64_t{found.index_count};
    found.index_crc = crc32c(salt, covered(bytes, footer - std::min(footer, index), index));
  });
}

// Bytes of the input's choice in any places, then all checksums put right.
void forge(Snapshot& files, Input& input) {
  while (!input.empty()) {
    Content& bytes = chosen_file(files, input)->second;
    if (bytes.empty()) continue;
    const size_t at = input.place(bytes.size());
    for (size_t i = 1 + input.below(8); i > 0 && at + i <= bytes.size(); --i) {
      bytes[at + i - 1] = static_cast<std::byte>(input.byte());
    }
  }
  LogId id;
  id.fill(std::byte{7});
  for (auto& [name, content] : files) {
    if (name == kIdentityName) seal_at<LogIdentity>(content, 0, 0, [](LogIdentity&) {});
    if (name == kCleanName) seal_at<CleanMark>(content, 0, salt_of(id), [](CleanMark&) {});
    if (segment_sequence(name) && content.size() > 8) seal_segment(content, salt_of(id));
  }
}

void expect_prefix(const History& history, uint64_t decisions) {
  CHECK(history.payloads.size() <= decisions);
  CHECK(history.payloads == payloads(history.payloads.size(), kPayload));
}

void expect_unchanged(SegmentFixture& log, Snapshot files) {
  Snapshot now = snapshot_of(log);
  now.erase(std::string(kLockName));
  files.erase(std::string(kLockName));
  CHECK(now == files);
}

// Nothing if reading does not begin: a sealed segment's index is looked at only then.
std::optional<History> history_of(SegmentFixture& log) {
  auto cursor = log.log().read(kPartition, Offset{0});
  if (cursor) return test::history_of(*std::move(cursor));
  CHECK(cursor.error().kind == ErrorKind::kCorrupt);
  return std::nullopt;
}

void run_damaged(const Snapshot& files, uint64_t decisions) {
  const auto log = with_files(files);
  if (const auto started = log->try_start(); !started) {
    CHECK(!started.error().message.empty());
    return expect_unchanged(*log, files);
  }
  const auto found = history_of(*log);
  if (found) expect_prefix(*found, decisions);
  if (!found || found->error) return;  // of a sealed segment, whose inside a start does not read

  const uint64_t kept = found->payloads.size();
  log->write(1, kPayload);
  CHECK(log->acknowledged_ == kept + 1);
  log->stop();
  CHECK(log->try_start());
  const auto again = history_of(*log);
  CHECK(again && !again->error);
  CHECK(again->payloads == payloads(kept + 1, kPayload));
}

void run_forged(const Snapshot& files) {
  const auto log = with_files(files);
  const auto checked = check_log_deeply(log->files, log->directory());
  if (!log->try_start()) return;
  const auto found = history_of(*log);
  if (checked) CHECK(found && !found->error && found->payloads.size() == checked->decisions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t kind = input.byte();
  if (kind != 'd' && kind != 'f') return 0;
  const Written& log = written(input.below(2) == 0);
  Snapshot files = log.files;
  if (kind == 'd') {
    damage(files, input);
    run_damaged(files, log.decisions);
  } else {
    forge(files, input);
    run_forged(files);
  }
  return 0;
}
