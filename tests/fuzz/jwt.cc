// Bytes as a bearer token, or, if they begin with a brace, as a key set. The seeds hold the key set
// of an issuer, and tokens that were signed by keys which nobody has any more: only the good ones
// among them sign anybody in, however they are changed.
#include <fstream>
#include <iterator>
#include <set>

#include "consumers/notary/merkle_hash.h"
#include "engine/base/check.h"
#include "tests/fuzz/input.h"
#include "tools/server/jwk_set.h"
#include "tools/server/oidc.h"

using namespace tenure;

namespace {

constexpr Time kNow = from_micros(1'790'000'000'000'000);

std::string seed_path(std::string_view name) {
  return std::string(TENURE_CORPUS "/jwt/").append(name);
}

std::string seed(std::string_view name) {
  std::ifstream file(seed_path(name), std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A token without its signature, of which ES256 has two for each text.
std::string_view signed_text(std::string_view token) { return token.substr(0, token.rfind('.')); }

SignInVerifier& verifier() {
  static const auto kVerifier =
      SignInVerifier::open(
          {{.issuer = "https://id.example", .audience = "tenure", .jwks = seed_path("key_set")}})
          .value();
  return *kVerifier;
}

const std::set<std::string, std::less<>>& good_texts() {
  static const auto kTexts = [] {
    std::set<std::string, std::less<>> texts;
    for (const char* name : {"signed_rsa", "signed_ec", "signed_ed"}) {
      const std::string token = seed(name);
      CHECK(verifier().verify(token, kNow)->user == "ann");
      texts.emplace(signed_text(token));
    }
    return texts;
  }();
  return kTexts;
}

void run_token(std::string_view token) {
  const auto person = verifier().verify(token, kNow);
  if (!person) {
    CHECK(!person.error().why.empty());
    return;
  }
  CHECK(looks_like_token(token));
  CHECK(good_texts().contains(signed_text(token)));
  CHECK(person->user == "ann" && person->issuer == "https://id.example");
}

// What a set says that it has signs nothing by a signature that was made without it.
void run_key_set(std::string_view json) {
  const auto set = JwkSet::parse(json);
  if (!set) {
    CHECK(set.error().kind == ErrorKind::kInvalid);
    return;
  }
  using enum SignatureAlgorithm;
  for (const char* id : {"rsa", "ec", "ed"}) {
    for (const SignatureAlgorithm algorithm : {kRs256, kEs256, kEdDsa}) {
      for (const size_t size : {0, 1, 64, 256}) {
        CHECK(!set->verifies(id, algorithm, "a text", std::string(size, '\x01')));
      }
    }
  }
}

// One text for each value, without padding.
void run_base64url(std::string_view text) {
  const auto bytes = decode_base64url(text);
  if (!bytes) return;
  std::string again = to_base64({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
  again.resize(again.find_last_not_of('=') + 1);
  for (char& c : again) c = c == '+' ? '-' : c == '/' ? '_' : c;
  CHECK(again == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)good_texts();
  text.starts_with('{') ? run_key_set(text) : run_token(text);
  run_base64url(text);
  return 0;
}
