#include "engine/domain/names.h"

#include <array>
#include <cstdint>
#include <optional>

namespace tenure {
namespace {

constexpr size_t kMaxIdSize = 128;
constexpr size_t kMaxNameCharacters = 200;

// Without a branch or a table, so that the compiler looks at 16 characters at a time.
constexpr bool is_id_character(char character) {
  const auto c = static_cast<uint8_t>(character);
  const bool letter = static_cast<uint8_t>((c | 0x20) - 'a') < 26;
  const bool digit_or_colon = static_cast<uint8_t>(c - '0') < 11;
  const bool dash_or_dot = static_cast<uint8_t>(c - '-') < 2;
  return letter | digit_or_colon | dash_or_dot | (c == '_');
}
static_assert(':' == '9' + 1 && '.' == '-' + 1);

// Takes one UTF-8 character (RFC 3629: no overlong forms, no surrogates) off the front of `text`.
std::optional<uint32_t> take_character(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || text.size() < size) return std::nullopt;
  uint32_t character = size == 1 ? first : first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    character = character << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  if (character < kSmallest[size] || character > 0x10ffff || surrogate) return std::nullopt;
  text.remove_prefix(size);
  return character;
}

}  // namespace

bool is_reserved(std::string_view id) {
  return id == "system" || id.starts_with("system:") || id.starts_with('_');
}

bool is_valid_id(std::string_view id) {
  if (id.empty() || id.size() > kMaxIdSize) return false;
  bool allowed = true;
  for (const char c : id) allowed &= is_id_character(c);
  return allowed && !is_reserved(id) && !id.starts_with("user:") && !id.starts_with("group:") &&
         !id.starts_with("service:");
}

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > 4 * kMaxNameCharacters) return false;
  size_t characters = 0;
  while (!name.empty()) {
    const std::optional<uint32_t> character = take_character(name);
    if (!character || *character < 0x20 || (*character >= 0x7f && *character < 0xa0)) return false;
    ++characters;
  }
  return characters <= kMaxNameCharacters;
}

bool is_country(std::string_view text) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return text.size() == 2 && capital(text[0]) && capital(text[1]);
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kMaxShown = 64;
  std::string shown = "\"";
  for (const char c : text.substr(0, kMaxShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kMaxShown) shown += "...";
  return shown += '"';
}

}  // namespace tenure
