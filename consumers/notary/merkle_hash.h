// The hashes of RFC 9162, section 2.1.1: SHA-256, with a byte in front that keeps leaves and nodes
// apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenure {

using Hash = std::array<uint8_t, 32>;

// Reuses one context of OpenSSL. One thread.
class TreeHasher {
 public:
  TreeHasher();
  ~TreeHasher();
  TreeHasher(const TreeHasher&) = delete;

  Hash leaf(std::span<const std::byte> payload);   // SHA-256(0x00 || payload)
  Hash node(const Hash& left, const Hash& right);  // SHA-256(0x01 || left || right)
  Hash sha256(std::span<const std::byte> bytes);   // as it is

 private:
  Hash finish();
  void* context_;
};

// Of the tree without leaves: SHA-256 of nothing.
Hash empty_tree_hash();

// 44 characters of base64, as heads and proofs show hashes.
std::string to_base64(std::span<const uint8_t> bytes);
// Nothing unless `text` is exactly the base64 of some bytes, padding included.
std::optional<std::string> from_base64(std::string_view text);
std::optional<Hash> hash_from_base64(std::string_view text);
std::string to_hex(const Hash& hash);

}  // namespace tenure
