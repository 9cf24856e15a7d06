// The byte formats of a log directory. Version with care: these bytes are kept for ever.
//
//   directory := LOCK IDENTITY [CLEAN] segment*       and *.tmp, which were never finished
//   segment   := header batch* zero* index footer     sealed; named segment-<sequence>.log
//              | header batch* zero*                  the active one, zero-filled to its full size
//              | header zero*                         the next one, made ahead; at most one
//   batch     := batch_header record*                 records padded to 8 bytes (record.h)
//   index     := index_entry*                         right before the footer
//
// All integers little-endian, the structs below exactly as they stand, each with its own magic
// first and a CRC32C of all its bytes before the crc, last. The CRCs continue from a salt, the
// CRC32C of the log's random id: bytes of another log are not valid in this one.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/log/file_system.h"
#include "engine/log/log_reader.h"
#include "engine/log/record.h"

namespace tenure {

using LogId = std::array<std::byte, 16>;
LogId random_log_id();  // from the operating system
std::string to_text(const LogId& id);
uint32_t salt_of(const LogId& id);

// Where the log stands after some batch.
struct LogMark {
  uint64_t next_offset = 0;
  uint64_t next_number = 0;
  uint64_t stamp = 0;
  uint64_t claims = 0;
  uint64_t chain = 0;  // CRC32C over all batch headers so far, without theirs; ties a segment to
                       // the one before it

  ReaderPosition reader() const { return {{next_offset}, {next_number}, {stamp}}; }
  uint64_t void_records() const { return next_offset - next_number - claims; }
  friend bool operator==(const LogMark&, const LogMark&) = default;
};

struct BatchHeader {
  uint32_t magic = 0x42524E54;  // "TNRB"
  uint32_t count = 0;           // of records
  uint32_t length = 0;          // of the records, in bytes
  uint32_t body_crc = 0;        // of the records
  uint64_t first_offset = 0;
  uint64_t first_number = 0;  // how many valid decisions come before it
  uint32_t zero = 0;
  uint32_t crc = 0;
};

struct SegmentHeader {
  uint32_t magic = 0x48524E54;  // "TNRH"
  uint32_t format = 1;
  LogId log_id{};
  uint64_t sequence = 0;
  uint64_t size = 0;  // of the whole file
  uint64_t zero[2] = {};
  uint32_t zero_too = 0;
  uint32_t crc = 0;
};

// The first batch at or after every 64 KiB of a segment.
struct IndexEntry {
  uint64_t first_offset = 0;
  uint64_t first_number = 0;
  uint64_t position = 0;
};
inline constexpr uint64_t kIndexStride = 64u << 10;

struct SegmentFooter {
  uint32_t magic = 0x46524E54;  // "TNRF"
  uint32_t index_count = 0;
  uint64_t sequence = 0;
  LogMark begin;  // equal to the end of the segment before
  LogMark end;
  uint64_t end_position = 0;  // one past the last batch
  uint32_t index_crc = 0;
  uint32_t crc = 0;
};

// IDENTITY: written last when a log is made, never changed. Without it there is no log.
struct LogIdentity {
  uint32_t magic = 0x49524E54;  // "TNRI"
  uint32_t format = 1;
  LogId log_id{};
  uint32_t partitions = 1;
  uint32_t crc = 0;
};

// CLEAN: how far the log was durable when it was last stopped cleanly; a log that ends before it
// has lost something.
struct CleanMark {
  uint32_t magic = 0x43524E54;  // "TNRC"
  uint32_t format = 1;
  LogMark end;
  uint32_t zero = 0;
  uint32_t crc = 0;
};

static_assert(sizeof(BatchHeader) == 40 && sizeof(SegmentHeader) == 64);
static_assert(sizeof(IndexEntry) == 24 && sizeof(SegmentFooter) == 112);
static_assert(sizeof(LogIdentity) == 32 && sizeof(CleanMark) == 56);

inline bool all_zero(Bytes bytes) {
  return bytes.empty() || (bytes[0] == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

template <class T>
Bytes bytes_of(const T& block) {
  return std::as_bytes(std::span(&block, 1));
}

// Fills in the crc.
template <class T>
void seal(T& block, uint32_t salt) {
  block.crc = crc32c(salt, bytes_of(block).first(sizeof(T) - sizeof(block.crc)));
}

// The block at the start of `bytes`, if its magic and crc are right.
template <class T>
std::optional<T> unseal(Bytes bytes, uint32_t salt) {
  T block;
  const uint32_t magic = block.magic;
  if (bytes.size() < sizeof(T)) return std::nullopt;
  std::memcpy(&block, bytes.data(), sizeof(T));
  const uint32_t crc = block.crc;
  seal(block, salt);
  if (block.magic != magic || block.crc != crc) return std::nullopt;
  return block;
}

// Names inside the directory.
inline constexpr std::string_view kLockName = "LOCK";
inline constexpr std::string_view kIdentityName = "IDENTITY";
inline constexpr std::string_view kCleanName = "CLEAN";
inline constexpr std::string_view kUnfinished = ".tmp";
std::string segment_name(uint64_t sequence);
std::optional<uint64_t> segment_sequence(std::string_view name);

// Batches end before this byte of a segment; the rest is kept for its index and footer.
uint64_t batches_limit(uint64_t segment_size);

}  // namespace tenure
