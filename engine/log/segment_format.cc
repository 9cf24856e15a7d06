#include "engine/log/segment_format.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSegmentSuffix = ".log";
constexpr size_t kSegmentDigits = 10;

}  // namespace

LogId random_log_id() {
  LogId id;
  CHECK(::getentropy(id.data(), id.size()) == 0);
  return id;
}

std::string to_text(const LogId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

uint32_t salt_of(const LogId& id) { return crc32c(0, id); }

std::string segment_name(uint64_t sequence) {
  return fmt::format("{}{:0{}}{}", kSegmentPrefix, sequence, kSegmentDigits, kSegmentSuffix);
}

std::optional<uint64_t> segment_sequence(std::string_view name) {
  const size_t length = kSegmentPrefix.size() + kSegmentDigits + kSegmentSuffix.size();
  if (name.size() != length || !name.starts_with(kSegmentPrefix) ||
      !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  uint64_t sequence = 0;
  const char* digits = name.data() + kSegmentPrefix.size();
  const auto [end, error] = std::from_chars(digits, digits + kSegmentDigits, sequence);
  if (error != std::errc() || end != digits + kSegmentDigits) return std::nullopt;
  return sequence;
}

uint64_t batches_limit(uint64_t segment_size) {
  return segment_size - sizeof(SegmentFooter) -
         sizeof(IndexEntry) * (segment_size / kIndexStride + 1);
}

}  // namespace tenure
