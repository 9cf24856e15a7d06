#include "tests/cases/case_issuers.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>

#include "engine/base/check.h"

namespace tenure::test {
namespace {

constexpr std::string_view kKeyId = "case-key";
constexpr std::string_view kAudience = "tenure-cases";

std::string base64url(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    for (held += 8; held >= 6; held -= 6) out += kDigits[bits >> (held - 6) & 63];
  }
  if (held > 0) out += kDigits[bits << (6 - held) & 63];
  return out;
}

}  // namespace

struct CaseIssuers::Key {
  EVP_PKEY* ed25519 = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  ~Key() { EVP_PKEY_free(ed25519); }

  std::string public_bytes() const {
    std::array<unsigned char, 32> bytes;
    size_t size = bytes.size();
    CHECK(EVP_PKEY_get_raw_public_key(ed25519, bytes.data(), &size) == 1);
    return {reinterpret_cast<const char*>(bytes.data()), size};
  }

  std::string sign(std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::array<unsigned char, 64> signature;
    size_t size = signature.size();
    CHECK(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, ed25519) == 1);
    CHECK(EVP_DigestSign(context, signature.data(), &size,
                         reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
    EVP_MD_CTX_free(context);
    return {reinterpret_cast<const char*>(signature.data()), size};
  }
};

CaseIssuers::CaseIssuers(const std::string& directory)
    : key_(std::make_unique<Key>()), settings_(directory + "/oidc.json") {
  const std::string keys = directory + "/jwks.json";
  std::ofstream(keys) << fmt::format(
      R"({{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{}","x":"{}"}}]}})", kKeyId,
      base64url(key_->public_bytes()));
  const auto issuer = [&](std::string_view name) {
    return fmt::format(R"({{"issuer":"{}","audience":"{}","jwks":"{}"}})", name, kAudience, keys);
  };
  std::ofstream(settings_) << fmt::format("[{},{}]", issuer("https://id.example"),
                                          issuer("https://other.example"));
}

CaseIssuers::~CaseIssuers() = default;

std::string CaseIssuers::token(std::string_view issuer, std::string_view user, Time now) const {
  const auto expires =
      std::chrono::floor<std::chrono::seconds>(now + std::chrono::hours(1)).time_since_epoch();
  const std::string text = base64url(fmt::format(R"({{"alg":"EdDSA","kid":"{}"}})", kKeyId)) + "." +
                           base64url(fmt::format(R"({{"iss":"{}","aud":"{}","sub":"{}","exp":{}}})",
                                                 issuer, kAudience, user, expires.count()));
  return text + "." + base64url(key_->sign(text));
}

}  // namespace tenure::test
