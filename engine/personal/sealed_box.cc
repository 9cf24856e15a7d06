#include "engine/personal/sealed_box.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <memory>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
using Nonce = std::array<uint8_t, kNonceSize>;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

int int_size(size_t size) { return static_cast<int>(size); }

// Looked up once: OpenSSL 3 searches its providers at every implicit use.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

Nonce nonce_of(const PersonKey& key, const TextPlace& place, std::string_view text) {
  std::string message;
  for (const std::string_view part : {place.org, place.actor, place.command_id, place.field}) {
    message += part;
    message += '\0';
  }
  message += text;
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  CHECK(HMAC(EVP_sha256(), key.data(), int_size(key.size()), bytes_of(message), message.size(),
             digest.data(), nullptr));
  Nonce nonce;
  std::copy_n(digest.begin(), nonce.size(), nonce.begin());
  return nonce;
}

}  // namespace

std::vector<uint8_t> seal_box(const PersonKey& key, std::string_view subject,
                              const TextPlace& place, std::string_view text) {
  const Nonce nonce = nonce_of(key, place, text);
  std::vector<uint8_t> box(kNonceSize + text.size() + kTagSize);
  std::ranges::copy(nonce, box.begin());
  uint8_t* const ciphertext = box.data() + kNonceSize;
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX* const aes = context.get();
  int written;
  const bool sealed =
      EVP_EncryptInit_ex2(aes, aes_256_gcm(), key.data(), nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(aes, nullptr, &written, bytes_of(subject), int_size(subject.size())) == 1 &&
      EVP_EncryptUpdate(aes, ciphertext, &written, bytes_of(text), int_size(text.size())) == 1 &&
      EVP_EncryptFinal_ex(aes, ciphertext + text.size(), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(aes, EVP_CTRL_AEAD_GET_TAG, kTagSize, ciphertext + text.size()) == 1;
  CHECK(sealed);  // no input makes it fail
  return box;
}

std::optional<std::string> open_box(const PersonKey& key, std::string_view subject,
                                    std::span<const uint8_t> box) {
  if (box.size() < kNonceSize + kTagSize) return std::nullopt;
  const auto ciphertext = box.subspan(kNonceSize, box.size() - kNonceSize - kTagSize);
  std::array<uint8_t, kTagSize> tag;
  std::ranges::copy(box.last(kTagSize), tag.begin());
  std::string text(ciphertext.size(), '\0');
  auto* const clear = reinterpret_cast<uint8_t*>(text.data());
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX* const aes = context.get();
  int written;
  const bool opened =
      EVP_DecryptInit_ex2(aes, aes_256_gcm(), key.data(), box.data(), nullptr) == 1 &&
      EVP_DecryptUpdate(aes, nullptr, &written, bytes_of(subject), int_size(subject.size())) == 1 &&
      EVP_DecryptUpdate(aes, clear, &written, ciphertext.data(), int_size(ciphertext.size())) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(aes, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(aes, clear + text.size(), &written) == 1;
  if (!opened) return std::nullopt;
  return text;
}

}  // namespace tenure
