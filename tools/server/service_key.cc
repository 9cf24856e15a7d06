#include "tools/server/service_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr std::string_view kPrefix = "tnr_";

// The id in a key's text; empty if it has none. An id may hold a `_`, a secret does not.
std::string_view key_in(std::string_view text) {
  if (!text.starts_with(kPrefix)) return {};
  text.remove_prefix(kPrefix.size());
  const size_t end = text.rfind('_');
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end);
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char each : bytes) {
    const auto byte = static_cast<uint8_t>(each);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

KeyHash hash_of_key(std::string_view text) {
  // SHA256() looks for the algorithm anew each time, which costs more than to hash a key; so does
  // giving it to a context that has it.
  using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
  thread_local const Context context = [] {
    Context made(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    CHECK(EVP_DigestInit_ex2(made.get(), EVP_sha256(), nullptr) == 1);
    return made;
  }();
  KeyHash hash;
  CHECK(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) == 1);
  return hash;
}

std::string new_secret() {
  std::array<unsigned char, 32> secret;
  CHECK(RAND_bytes(secret.data(), secret.size()) == 1);
  return to_hex({reinterpret_cast<const char*>(secret.data()), secret.size()});
}

NewServiceKey new_service_key(std::string_view key) {
  std::string text(kPrefix);
  text.append(key).append("_").append(new_secret());
  const KeyHash hash = hash_of_key(text);
  return {std::move(text), hash};
}

std::optional<std::string> holder_of_key(const Services* services, std::string_view text,
                                         const KeyHash& hash, Time now) {
  const std::string_view id = key_in(text);
  if (services == nullptr || id.empty()) return std::nullopt;
  const auto found = services->keys.find(id);
  if (found == services->keys.end()) return std::nullopt;
  const ApiKey& key = found->second;
  if (CRYPTO_memcmp(hash.data(), key.hash.data(), hash.size()) != 0) return std::nullopt;
  if (key.revoked || (key.expires && now >= *key.expires)) return std::nullopt;
  return key.service;
}

}  // namespace tenure
