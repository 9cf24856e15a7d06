#include "tools/server/jwk_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <simdjson.h>

#include <map>
#include <optional>
#include <string>

namespace tenure {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* pointer) const {
    release(pointer);
  }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Release<BN_free>>;

constexpr int kFewestRsaBits = 2048;
constexpr size_t kEcCoordinate = 32;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Number number(std::string_view big_endian) {
  return Number(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

KeyPointer key_from(const char* type, OSSL_PARAM_BLD* built) {
  using Context = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
  using Parameters = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM_free>>;
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  const Parameters parameters(OSSL_PARAM_BLD_to_param(built));
  EVP_PKEY* key = nullptr;
  if (!context || !parameters || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return KeyPointer(key);
}

using Builder = std::unique_ptr<OSSL_PARAM_BLD, Release<OSSL_PARAM_BLD_free>>;

KeyPointer rsa_key(std::string_view modulus, std::string_view exponent) {
  const Builder builder(OSSL_PARAM_BLD_new());
  const Number n = number(modulus), e = number(exponent);
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  KeyPointer key = key_from("RSA", builder.get());
  return key && EVP_PKEY_get_bits(key.get()) >= kFewestRsaBits ? std::move(key) : nullptr;
}

KeyPointer ec_key(std::string_view x, std::string_view y) {
  if (x.size() != kEcCoordinate || y.size() != kEcCoordinate) return nullptr;
  const std::string point = std::string("\x04").append(x).append(y);
  const Builder builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  return key_from("EC", builder.get());
}

KeyPointer ed25519_key(std::string_view x) {
  return KeyPointer(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size()));
}

struct Key {
  SignatureAlgorithm algorithm;
  KeyPointer key;
};

std::string_view text_of(const simdjson::dom::object& jwk, std::string_view name) {
  std::string_view text;
  return jwk[name].get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

std::string binary_of(const simdjson::dom::object& jwk, std::string_view name) {
  return decode_base64url(text_of(jwk, name)).value_or("");
}

// Nothing if it is of no use here.
std::optional<Key> read_key(const simdjson::dom::object& jwk) {
  const std::string_view type = text_of(jwk, "kty"), use = text_of(jwk, "use");
  const std::string_view curve = text_of(jwk, "crv"), algorithm = text_of(jwk, "alg");
  const auto fits = [&](std::string_view name) { return algorithm.empty() || algorithm == name; };
  if (!use.empty() && use != "sig") return std::nullopt;
  Key key{};
  if (type == "RSA" && fits("RS256")) {
    key = {SignatureAlgorithm::kRs256, rsa_key(binary_of(jwk, "n"), binary_of(jwk, "e"))};
  } else if (type == "EC" && curve == "P-256" && fits("ES256")) {
    key = {SignatureAlgorithm::kEs256, ec_key(binary_of(jwk, "x"), binary_of(jwk, "y"))};
  } else if (type == "OKP" && curve == "Ed25519" && fits("EdDSA")) {
    key = {SignatureAlgorithm::kEdDsa, ed25519_key(binary_of(jwk, "x"))};
  }
  if (!key.key) return std::nullopt;
  return key;
}

// An ES256 signature is the two numbers one after the other (RFC 7518); OpenSSL takes DER.
std::string to_der(std::string_view signature) {
  using Signature = std::unique_ptr<ECDSA_SIG, Release<ECDSA_SIG_free>>;
  if (signature.size() != 2 * kEcCoordinate) return {};
  const Signature pair(ECDSA_SIG_new());
  Number r = number(signature.substr(0, kEcCoordinate));
  Number s = number(signature.substr(kEcCoordinate));
  if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace

struct JwkSet::Keys {
  std::map<std::string, Key, std::less<>> by_id;
};

JwkSet::JwkSet() : keys_(std::make_shared<Keys>()) {}

Result<JwkSet> JwkSet::parse(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(json.data(), json.size())["keys"].get(list) != simdjson::SUCCESS) {
    return fail(ErrorKind::kInvalid, R"(it is no JSON Web Key Set: {"keys":[...]})");
  }
  auto keys = std::make_shared<Keys>();
  for (const simdjson::dom::element each : list) {
    simdjson::dom::object jwk;
    if (each.get(jwk) != simdjson::SUCCESS || text_of(jwk, "kid").empty()) continue;
    if (auto key = read_key(jwk)) {
      keys->by_id.emplace(std::string(text_of(jwk, "kid")), *std::move(key));
    }
  }
  if (keys->by_id.empty()) {
    return fail(ErrorKind::kInvalid,
                "it has no key of use: with a kid, for signatures, RSA from 2048 bits, EC P-256 or "
                "Ed25519");
  }
  JwkSet set;
  set.keys_ = std::move(keys);
  return set;
}

bool JwkSet::has(std::string_view key_id) const { return keys_->by_id.contains(key_id); }

bool JwkSet::verifies(std::string_view key_id, SignatureAlgorithm algorithm, std::string_view text,
                      std::string_view signature) const {
  using Context = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;
  const auto found = keys_->by_id.find(key_id);
  if (found == keys_->by_id.end() || found->second.algorithm != algorithm) return false;
  std::string der;
  if (algorithm == SignatureAlgorithm::kEs256) signature = der = to_der(signature);
  const EVP_MD* digest = algorithm == SignatureAlgorithm::kEdDsa ? nullptr : EVP_sha256();
  const Context context(EVP_MD_CTX_new());
  return !signature.empty() &&
         EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, found->second.key.get()) ==
             1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                          text.size()) == 1;
}

Result<std::string> decode_base64url(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<uint32_t>(c - '0') + 52;
    } else if (c == '-' || c == '_') {
      value = c == '-' ? 62 : 63;
    } else {
      return fail(ErrorKind::kInvalid, "not base64url");
    }
    bits = bits << 6 | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held);
  }
  // What is left over is padding: less than a character, and zero.
  if (held >= 6 || (bits & ((1u << held) - 1)) != 0) {
    return fail(ErrorKind::kInvalid, "not base64url");
  }
  return out;
}

}  // namespace tenure
