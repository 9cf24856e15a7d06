// The public keys of an issuer: a JSON Web Key Set (RFC 7517), as far as signatures go.
#pragma once

#include <memory>
#include <string_view>

#include "engine/base/result.h"

namespace tenure {

enum class SignatureAlgorithm : uint8_t { kRs256, kEs256, kEdDsa };

// Immutable; any thread. Copies share the keys.
class JwkSet {
 public:
  JwkSet();  // of no key

  // Takes the keys that have an id and a kind known here: RSA from 2048 bits, EC P-256, Ed25519.
  // Others are left out, as those for encryption. kInvalid: it is no key set, or has none of these.
  static Result<JwkSet> parse(std::string_view json);

  bool has(std::string_view key_id) const;
  // Whether the key of this id signed `text` by the algorithm, which must be the key's.
  bool verifies(std::string_view key_id, SignatureAlgorithm algorithm, std::string_view text,
                std::string_view signature) const;

 private:
  struct Keys;
  std::shared_ptr<const Keys> keys_;
};

// RFC 4648, "base64url" without padding; kInvalid for anything else.
Result<std::string> decode_base64url(std::string_view text);

}  // namespace tenure
