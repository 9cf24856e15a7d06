#include "engine/log/record.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace tenure {
namespace {

// The prefix exactly as record.h writes it down.
struct WirePrefix {
  uint32_t magic = kRecordMagic;
  uint8_t format = kRecordFormat;
  uint8_t kind = 0;
  uint16_t min_reader = 0;
  uint64_t stamp = 0;
  uint64_t number = 0;
  uint64_t acked = 0;
  uint64_t source = 0;
  uint32_t payload_length = 0;
  uint32_t crc = 0;
  uint64_t tag = 0;
  uint64_t zero = 0;
};
static_assert(sizeof(WirePrefix) == kPrefixSize);
static_assert(std::endian::native == std::endian::little, "the formats are written as they lie");

bool known_kind(uint8_t kind) {
  return kind == static_cast<uint8_t>(RecordKind::kDecision) ||
         kind == static_cast<uint8_t>(RecordKind::kClaim);
}

bool crc_matches(WirePrefix wire, std::span<const std::byte> payload) {
  const uint32_t expected = std::exchange(wire.crc, 0);
  return crc32c(crc32c(0, std::as_bytes(std::span(&wire, 1))), payload) == expected;
}

}  // namespace

void AlignedBytes::reserve(size_t size) {
  if (size <= capacity_) return;
  auto words = std::make_unique_for_overwrite<uint64_t[]>(padded(size) / 8);
  if (size_ > 0) std::memcpy(words.get(), words_.get(), size_);
  words_ = std::move(words);
  capacity_ = padded(size);
}

std::byte* AlignedBytes::grow(size_t size) {
  const size_t end = size_ + padded(size);
  if (end > capacity_) reserve(std::max(end, 2 * capacity_));
  std::byte* at = data() + size_;
  std::memset(at + size, 0, padded(size) - size);
  size_ = end;
  return at;
}

void append_record(AlignedBytes& out, RecordPrefix prefix, std::span<const std::byte> payload) {
  WirePrefix wire;
  wire.kind = static_cast<uint8_t>(prefix.kind);
  wire.min_reader = prefix.min_reader;
  wire.stamp = prefix.stamp.value;
  wire.number = prefix.number.value;
  wire.acked = prefix.acked;
  wire.source = prefix.source;
  wire.tag = prefix.tag;
  wire.payload_length = static_cast<uint32_t>(payload.size());

  const size_t size = kPrefixSize + payload.size();
  std::byte* at = out.grow(size);
  std::memcpy(at, &wire, kPrefixSize);
  if (!payload.empty()) std::memcpy(at + kPrefixSize, payload.data(), payload.size());
  const uint32_t crc = crc32c(0, {at, size});
  std::memcpy(at + offsetof(WirePrefix, crc), &crc, sizeof(crc));
}

void append_stand_in(AlignedBytes& out, std::span<const std::byte> foreign) {
  WirePrefix wire;
  wire.magic = kStandInMagic;
  wire.payload_length = static_cast<uint32_t>(foreign.size());
  std::byte* at = out.grow(kPrefixSize + foreign.size());
  std::memcpy(at, &wire, kPrefixSize);
  if (!foreign.empty()) std::memcpy(at + kPrefixSize, foreign.data(), foreign.size());
}

std::optional<std::span<const std::byte>> parse_stand_in(std::span<const std::byte> bytes) {
  WirePrefix wire;
  if (bytes.size() < kPrefixSize) return std::nullopt;
  std::memcpy(&wire, bytes.data(), kPrefixSize);
  if (wire.magic != kStandInMagic || bytes.size() - kPrefixSize < wire.payload_length) {
    return std::nullopt;
  }
  return bytes.subspan(kPrefixSize, wire.payload_length);
}

ParsedRecord parse_record(std::span<const std::byte> bytes, RecordCrc crc) {
  ParsedRecord out;
  WirePrefix wire;
  if (bytes.size() < sizeof(wire.magic)) return out;
  std::memcpy(&wire, bytes.data(), std::min(bytes.size(), kPrefixSize));
  const auto status = [&] {
    if (wire.magic != kRecordMagic) return RecordStatus::kForeign;
    if (bytes.size() < kPrefixSize) return RecordStatus::kIncomplete;
    if (wire.format != kRecordFormat) return RecordStatus::kBadFormat;
    if (wire.min_reader > kReaderVersion) return RecordStatus::kNewerReader;
    if (!known_kind(wire.kind)) return RecordStatus::kBadFormat;
    if (bytes.size() - kPrefixSize < wire.payload_length) return RecordStatus::kIncomplete;
    out.payload = bytes.subspan(kPrefixSize, wire.payload_length);
    if (crc == RecordCrc::kCheck && !crc_matches(wire, out.payload)) return RecordStatus::kBadCrc;
    return RecordStatus::kOk;
  };
  out.status = status();
  if (out.status == RecordStatus::kForeign || out.status == RecordStatus::kIncomplete) return out;
  out.prefix = {.kind = static_cast<RecordKind>(wire.kind),
                .min_reader = wire.min_reader,
                .stamp = {wire.stamp},
                .number = {wire.number},
                .acked = wire.acked,
                .source = wire.source,
                .payload_length = wire.payload_length,
                .crc = wire.crc,
                .tag = wire.tag};
  out.size = kPrefixSize + wire.payload_length;
  return out;
}

// ISA-L neither inverts the initial value nor the result, as the usual definition of CRC32C does.
uint32_t crc32c(uint32_t crc, std::span<const std::byte> bytes) {
  constexpr size_t kMost = size_t{1} << 30;  // it counts in int
  crc = ~crc;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kMost));
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(piece.data()));
    crc = crc32_iscsi(data, static_cast<int>(piece.size()), crc);
    bytes = bytes.subspan(piece.size());
  }
  return ~crc;
}

}  // namespace tenure
