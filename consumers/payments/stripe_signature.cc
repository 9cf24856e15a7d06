#include "consumers/payments/stripe_signature.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace tenure {
namespace {

constexpr size_t kHexSize = 64;

std::string hmac_hex(std::string_view text, std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

struct Signature {
  std::optional<int64_t> seconds;
  std::vector<std::string_view> v1;
};

Signature parse(std::string_view header) {
  Signature signature;
  while (!header.empty()) {
    const std::string_view part = header.substr(0, header.find(','));
    header.remove_prefix(std::min(part.size() + 1, header.size()));
    if (part.starts_with("v1=")) signature.v1.push_back(part.substr(3));
    if (!part.starts_with("t=")) continue;
    int64_t seconds = 0;
    const char* end = part.data() + part.size();
    const auto [rest, error] = std::from_chars(part.data() + 2, end, seconds);
    if (error == std::errc{} && rest == end) signature.seconds = seconds;
  }
  return signature;
}

}  // namespace

Result<void> verify_stripe_signature(std::string_view header, std::string_view body,
                                     std::string_view secret, Time now) {
  const Signature signature = parse(header);
  if (!signature.seconds || signature.v1.empty()) {
    return fail(ErrorKind::kInvalid, "Stripe-Signature must say t= and v1=");
  }
  const std::string expected =
      hmac_hex(std::to_string(*signature.seconds) + "." + std::string(body), secret);
  bool fits = false;
  for (const std::string_view given : signature.v1) {
    fits |= given.size() == kHexSize && CRYPTO_memcmp(given.data(), expected.data(), kHexSize) == 0;
  }
  if (!fits) {
    return fail(ErrorKind::kInvalid, "Stripe-Signature is not made with this endpoint's secret");
  }
  const int64_t now_seconds =
      std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const int64_t most = kSignatureTolerance.count();
  if (*signature.seconds >= now_seconds - most && *signature.seconds <= now_seconds + most)
    return {};
  return fail(ErrorKind::kInvalid, "Stripe-Signature is not of the last " + std::to_string(most) +
                                       " seconds; is the clock right?");
}

}  // namespace tenure
