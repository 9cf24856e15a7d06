// A record of the decision log: a fixed prefix, then the payload, padded with zeros to 8 bytes.
//
// The format, little-endian (also the value of a Kafka record, unpadded there):
//   record  := prefix payload pad
//   prefix  := magic:u32 format:u8 kind:u8 min_reader:u16 stamp:u64 number:u64 acked:u64 source:u64
//              payload_length:u32 crc:u32 tag:u64 zero:u8[8]                      (64 bytes)
//   crc     := CRC32C over the prefix with crc = 0, then the payload
// A mirror of a Kafka partition keeps what is not ours as
//   stand_in := as a record, with the magic "TNRX" and of the rest only payload_length: its bytes
// The reader's rule (log_reader.h) reads only the prefix. The Merkle leaf is the payload alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/ids.h"
#include "engine/base/result.h"

namespace tenure {

inline constexpr uint32_t kRecordMagic = 0x31524E54;   // "TNR1"
inline constexpr uint32_t kStandInMagic = 0x58524E54;  // "TNRX"
inline constexpr uint8_t kRecordFormat = 1;
inline constexpr uint16_t kReaderVersion =
    1;  // what this build can read: min_reader above it, stop
inline constexpr size_t kPrefixSize = 64;
inline constexpr size_t kMaxPayload =
    8u << 20;  // a decision; also the limit that decide's answer is held to

enum class RecordKind : uint8_t { kDecision = 1, kClaim = 2 };

// `acked`: how many decisions its writer knew durable (numbers below it). `source`: the settled
// mark: every command of the commands partition below it is dealt with (embedded: 0). `number` of a
// claim: the number that its session's first decision will have. `tag`: of a claim a random number,
// of a decision that of its claim: a stamp is an offset, and where a log can lose records another
// claim may come to stand there. Logs in files, which cannot, write 0.
struct RecordPrefix {
  RecordKind kind = RecordKind::kDecision;
  uint16_t min_reader = 1;
  Stamp stamp{};
  Number number{};
  uint64_t acked = 0;
  uint64_t source = 0;
  uint32_t payload_length = 0;
  uint32_t crc = 0;
  uint64_t tag = 0;
};

// Bytes on the wire or disk: 8-byte aligned, so payloads can be read as FlatBuffers in place.
// Moved, not copied; new bytes are not initialised, they are about to be written anyway.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  AlignedBytes(AlignedBytes&& other) noexcept { swap(other); }
  AlignedBytes& operator=(AlignedBytes&& other) noexcept {
    AlignedBytes taken(std::move(other));
    swap(taken);
    return *this;
  }

  // Appends `size` bytes, rounded up to 8 with the pad zeroed, and returns them.
  std::byte* grow(size_t size);
  std::span<const std::byte> view() const { return {data(), size_}; }
  size_t size() const { return size_; }
  void clear() { size_ = 0; }
  void reserve(size_t size);

 private:
  std::byte* data() const { return reinterpret_cast<std::byte*>(words_.get()); }
  void swap(AlignedBytes& other) noexcept {
    std::swap(words_, other.words_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::unique_ptr<uint64_t[]> words_;
  size_t size_ = 0;
  size_t capacity_ = 0;  // both in bytes
};

constexpr size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }

// Appends one whole record; fills in payload_length and crc.
void append_record(AlignedBytes& out, RecordPrefix prefix, std::span<const std::byte> payload);

// What the bytes at hand say, without the reader's rule.
enum class RecordStatus : uint8_t {
  kOk,
  kForeign,      // not our magic: void
  kIncomplete,   // fewer bytes than the prefix promises
  kBadFormat,    // our magic, an unknown format or kind: stop
  kBadCrc,       // stop
  kNewerReader,  // min_reader above ours: stop
};

struct ParsedRecord {
  RecordStatus status = RecordStatus::kIncomplete;
  RecordPrefix prefix;
  std::span<const std::byte> payload;  // into the input
  size_t size = 0;                     // prefix + payload, unpadded
};
// kSkip is for bytes that another checksum has just covered (a segment's batch). Then an incomplete
// record is the only sign of damage left.
enum class RecordCrc : bool { kCheck, kSkip };
ParsedRecord parse_record(std::span<const std::byte> bytes, RecordCrc crc = RecordCrc::kCheck);

// Appends the stand-in for bytes without our magic, so that what follows keeps its place.
void append_stand_in(AlignedBytes& out, std::span<const std::byte> foreign);
// What a stand-in at the start of `bytes` stands for; nothing if there is no whole one.
std::optional<std::span<const std::byte>> parse_stand_in(std::span<const std::byte> bytes);

// CRC32C (Castagnoli), continued from `crc`.
uint32_t crc32c(uint32_t crc, std::span<const std::byte> bytes);

}  // namespace tenure
