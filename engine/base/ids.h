// Strong ids: an organization's id is not a user's, a record's number is not its offset.
#pragma once

#include <array>
#include <charconv>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tenure {

// Text ids, chosen by callers: 1-128 of [A-Za-z0-9._:-]. Compare and look up by string_view without
// a copy.
template <class Tag>
class TextId {
 public:
  TextId() = default;
  explicit TextId(std::string_view text) : text_(text) {}
  const std::string& str() const { return text_; }
  operator std::string_view() const { return text_; }
  friend bool operator==(const TextId&, const TextId&) = default;
  friend bool operator==(const TextId& a, std::string_view b) { return a.text_ == b; }
  friend auto operator<=>(const TextId&, const TextId&) = default;
  friend auto operator<=>(const TextId& a, std::string_view b) {
    return std::string_view(a.text_) <=> b;
  }

 private:
  std::string text_;
};

using OrgId = TextId<struct OrgTag>;
using UserId = TextId<struct UserTag>;    // bare: without `user:`
using GroupId = TextId<struct GroupTag>;  // bare: without `group:`
using SpaceId = TextId<struct SpaceTag>;
using ResourceId = TextId<struct ResourceTag>;
using InvitationId = TextId<struct InvitationTag>;
using CheckoutId = TextId<struct CheckoutTag>;
using GrantId = TextId<struct GrantTag>;
using InvoiceId = TextId<struct InvoiceTag>;
using Subject = TextId<struct SubjectTag>;  // prefixed: `user:x`, `group:y`, `service:z`

// For unordered containers keyed by text ids: heterogeneous look-up.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Integers that must not be mixed up.
template <class Tag, class Int>
struct StrongInt {
  Int value{};
  friend auto operator<=>(const StrongInt&, const StrongInt&) = default;
  StrongInt next() const { return {static_cast<Int>(value + 1)}; }
};

using PartitionId = StrongInt<struct PartitionTag, uint32_t>;
// The dense number of a valid decision in its partition: 0, 1, 2, ... With the partition it is the
// decision's position.
using Number = StrongInt<struct NumberTag, uint64_t>;
// The place of a record in its partition, claims and void records counted.
using Offset = StrongInt<struct OffsetTag, uint64_t>;
// Which claim a record was written under: the claim's own offset + 1, so 0 stands for "before any
// claim".
using Stamp = StrongInt<struct StampTag, uint64_t>;

// Tells a person's keys apart, and nothing of them: the one they had until they were erased from
// the one they have since they came back (engine/personal/person_keys.h).
using PersonKeyName = std::array<uint8_t, 16>;

// A decision's position, written `partition:number`. It doubles as the token of `at_least`.
struct Position {
  PartitionId partition;
  Number number;
  friend auto operator<=>(const Position&, const Position&) = default;
};

inline std::string format_position(Position position) {
  return std::to_string(position.partition.value) + ":" + std::to_string(position.number.value);
}

// Nothing unless `text` is exactly `partition:number`.
inline std::optional<Position> parse_position(std::string_view text) {
  Position position;
  const char* end = text.data() + text.size();
  auto partition = std::from_chars(text.data(), end, position.partition.value);
  if (partition.ec != std::errc{} || partition.ptr == end || *partition.ptr != ':') {
    return std::nullopt;
  }
  auto number = std::from_chars(partition.ptr + 1, end, position.number.value);
  if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
  return position;
}

}  // namespace tenure
