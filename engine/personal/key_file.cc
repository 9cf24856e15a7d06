#include "engine/personal/key_file.h"

#include <cstring>

#include "engine/base/check.h"
#include "engine/log/record.h"

namespace tenure::key_file {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kGroupHeader = 8;
constexpr size_t kMaxGroupSize =
    kGroupHeader + (kMaxKeysPerGroup + 1) * (1 + kMaxSubjectSize + kKeySize);

uint32_t load_u32(std::span<const std::byte> bytes) {
  uint32_t value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

void append(std::vector<std::byte>& out, const void* data, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

// The whole group that `bytes` begin with; empty if they do not begin with a good one.
std::span<const std::byte> good_group(std::span<const std::byte> bytes) {
  if (bytes.size() < kGroupHeader) return {};
  const size_t size = load_u32(bytes.subspan(4));
  if (size == 0 || size > kMaxGroupSize || size > bytes.size() - kGroupHeader) return {};
  const auto group = bytes.first(kGroupHeader + size);
  return crc32c(0, group.subspan(4)) == load_u32(group) ? group : std::span<const std::byte>();
}

}  // namespace

GroupBuilder::GroupBuilder(std::vector<std::byte>& out) : out_(out), begin_(out.size()) {
  out_.resize(begin_ + kGroupHeader);
}

void GroupBuilder::add(std::string_view subject, RecordBytes key) {
  CHECK(subject.size() <= kMaxSubjectSize);
  const auto size = static_cast<uint8_t>(subject.size());
  append(out_, &size, sizeof(size));
  append(out_, subject.data(), subject.size());
  append(out_, key.data(), key.size());
}

void GroupBuilder::close() {
  const auto size = static_cast<uint32_t>(out_.size() - begin_ - kGroupHeader);
  std::memcpy(&out_[begin_ + 4], &size, sizeof(size));
  const uint32_t crc = crc32c(0, std::span(out_).subspan(begin_ + 4));
  std::memcpy(&out_[begin_], &crc, sizeof(crc));
}

std::optional<size_t> read_group(std::span<const std::byte> bytes,
                                 const std::function<void(std::string_view, RecordBytes)>& found) {
  const auto group = good_group(bytes);
  if (group.empty()) return std::nullopt;
  auto records = group.subspan(kGroupHeader);
  while (!records.empty()) {
    const size_t subject_size = static_cast<uint8_t>(records[0]);
    CHECK(records.size() >= 1 + subject_size + kKeySize);  // its checksum holds: we wrote this
    const auto* data = reinterpret_cast<const char*>(records.data());
    found({data + 1, subject_size},
          RecordBytes(reinterpret_cast<const uint8_t*>(data) + 1 + subject_size, kKeySize));
    records = records.subspan(1 + subject_size + kKeySize);
  }
  return group.size();
}

bool may_be_torn(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxGroupSize) return false;
  for (size_t at = 1; at < bytes.size(); ++at) {
    if (!good_group(bytes.subspan(at)).empty()) return false;
  }
  return true;
}

}  // namespace tenure::key_file
