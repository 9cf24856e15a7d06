#include "engine/json/json_text.h"

#include <cstring>

namespace tenure {

using namespace json;

namespace {

constexpr size_t kMaxQuoted = 64;
constexpr char kHex[] = "0123456789abcdef";

bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

// The same of eight bytes at once.
bool are_plain(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101u, kTops = 0x80 * kOnes;
  // The top bit of a byte that is zero, or of one above it: there are none, or not all are plain.
  const auto zero_in = [](uint64_t bytes) { return (bytes - kOnes) & ~bytes; };
  const uint64_t control = eight - 0x20 * kOnes;
  return ((eight | control | zero_in(eight ^ '"' * kOnes) | zero_in(eight ^ '\\' * kOnes)) &
          kTops) == 0;
}

// The length of the well-formed UTF-8 sequence that `text` begins with; 0 if there is none.
// Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(i < text.size() ? text[i] : 0);
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0), next = byte(1);
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool in_range = (lead != 0xe0 || next >= 0xa0) && (lead != 0xed || next <= 0x9f);
    return in_range && continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool in_range = (lead != 0xf0 || next >= 0x90) && (lead != 0xf4 || next <= 0x8f);
    return in_range && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

void append_escaped(unsigned char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

}  // namespace

bool json::is_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    uint64_t eight;
    if (text.size() - i >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + i, sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        i += sizeof(eight);
        continue;
      }
    }
    const bool ascii = static_cast<unsigned char>(text[i]) < 0x80;
    const size_t length = ascii ? 1 : sequence_length(text.substr(i));
    if (length == 0) return false;
    i += length;
  }
  return true;
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  size_t written = 0, i = 0;
  while (i < text.size()) {
    uint64_t eight;
    if (text.size() - i >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + i, sizeof(eight));
      if (are_plain(eight)) {
        i += sizeof(eight);
        continue;
      }
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_plain(c)) {
      ++i;
      continue;
    }
    const size_t length = c < 0x80 ? 0 : sequence_length(text.substr(i));
    if (length > 0) {
      i += length;
      continue;
    }
    out.append(text, written, i - written);
    if (c < 0x80) {
      append_escaped(c, out);
    } else {
      out += "\xef\xbf\xbd";
    }
    written = ++i;
  }
  out.append(text, written, i - written);
  out += '"';
}

std::string json::quoted(std::string_view text) {
  std::string out;
  append_json_string(text.substr(0, kMaxQuoted), out);
  if (text.size() > kMaxQuoted) out.insert(out.size() - 1, "...");
  return out;
}

}  // namespace tenure
