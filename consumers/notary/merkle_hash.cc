#include "consumers/notary/merkle_hash.h"

#include <openssl/evp.h>

#include <algorithm>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr uint8_t kLeafPrefix = 0, kNodePrefix = 1;

// Looked up once: OpenSSL 3 searches its providers at every implicit use.
const EVP_MD* sha256_digest() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

TreeHasher::TreeHasher() : context_(EVP_MD_CTX_new()) {
  CHECK(EVP_DigestInit_ex2(context_of(context_), sha256_digest(), nullptr) == 1);
}

TreeHasher::~TreeHasher() { EVP_MD_CTX_free(context_of(context_)); }

// Leaves the context ready for the next message.
Hash TreeHasher::finish() {
  Hash hash;
  CHECK(EVP_DigestFinal_ex(context_of(context_), hash.data(), nullptr) == 1);
  CHECK(EVP_DigestInit_ex2(context_of(context_), nullptr, nullptr) == 1);
  return hash;
}

Hash TreeHasher::leaf(std::span<const std::byte> payload) {
  CHECK(EVP_DigestUpdate(context_of(context_), &kLeafPrefix, 1) == 1);
  CHECK(EVP_DigestUpdate(context_of(context_), payload.data(), payload.size()) == 1);
  return finish();
}

Hash TreeHasher::node(const Hash& left, const Hash& right) {
  std::array<uint8_t, 1 + 2 * sizeof(Hash)> message;
  message[0] = kNodePrefix;
  std::ranges::copy(left, message.begin() + 1);
  std::ranges::copy(right, message.begin() + 1 + left.size());
  CHECK(EVP_DigestUpdate(context_of(context_), message.data(), message.size()) == 1);
  return finish();
}

Hash TreeHasher::sha256(std::span<const std::byte> bytes) {
  CHECK(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1);
  return finish();
}

Hash empty_tree_hash() { return TreeHasher().sha256({}); }

std::string to_base64(std::span<const uint8_t> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP adds a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<size_t>(size) - padding);
  // EVP takes blanks and set bits that stand for nothing: one value, one text.
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (to_base64({data, bytes.size()}) != text) return std::nullopt;
  return bytes;
}

std::optional<Hash> hash_from_base64(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != sizeof(Hash)) return std::nullopt;
  Hash hash;
  std::ranges::transform(*bytes, hash.begin(), [](char c) { return static_cast<uint8_t>(c); });
  return hash;
}

std::string to_hex(const Hash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : hash) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace tenure
