// Keys of state rows, built and taken apart (grammar: state_rows.h). Internal to the state store.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/check.h"

namespace tenure {

enum class RowKind : uint8_t {
  kOrganization = 1,
  kRulebook,
  kMember,
  kGroup,
  kGroupMember,
  kSpace,
  kAccess,
  kResource,
  kMeter,
  kSubscription,
  kUsageSeen,
  kInvitation,
  kApiKey,
  kServiceGrant,
  kCredit,
  kInvoice,
};

class RowKey {
 public:
  explicit RowKey(RowKind kind) : size_(1) { bytes_[0] = static_cast<char>(kind); }
  RowKey(RowKind kind, std::string_view first) : RowKey(kind) { text(first); }
  RowKey(RowKind kind, std::string_view first, std::string_view second) : RowKey(kind, first) {
    separator().text(second);
  }

  RowKey& separator() { return text(std::string_view("\0", 1)); }
  template <class Int>
  RowKey& big_endian(Int value) {
    char bytes[sizeof(Int)];
    for (char& byte : bytes) {
      byte = static_cast<char>(value >> (sizeof(Int) * 8 - 8));
      value <<= 8;
    }
    return text({bytes, sizeof(bytes)});
  }
  RowKey& text(std::string_view text) {
    CHECK(text.size() <= sizeof(bytes_) - size_);
    size_ += text.copy(bytes_ + size_, text.size());
    return *this;
  }
  operator std::string_view() const { return {bytes_, size_}; }

 private:
  char bytes_[512];  // ids have at most 128 characters, a key at most three of them
  size_t size_;
};

// The names of SpaceStatus in rows, by value.
inline constexpr std::string_view kSpaceStatusNames[] = {"active", "archived", "deleted"};

// A key taken apart: `first` up to the separator, `rest` after it.
struct RowKeyParts {
  RowKind kind;
  std::string_view first, rest;

  explicit RowKeyParts(std::string_view key) : kind(static_cast<RowKind>(key[0])) {
    const std::string_view parts = key.substr(1);
    const size_t end = parts.find('\0');
    first = parts.substr(0, end);
    if (end != std::string_view::npos) rest = parts.substr(end + 1);
  }

  // Takes a big-endian integer off the front of `rest`; nothing if `rest` is too short.
  template <class Int>
  std::optional<Int> take() {
    if (rest.size() < sizeof(Int)) return std::nullopt;
    Int value = 0;
    for (size_t i = 0; i < sizeof(Int); i++) value = value << 8 | static_cast<uint8_t>(rest[i]);
    rest.remove_prefix(sizeof(Int));
    return value;
  }
};

}  // namespace tenure
