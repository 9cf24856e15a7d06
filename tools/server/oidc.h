// People's sign-ins: bearer tokens of OpenID Connect issuers (JWT, RFC 7519), verified here.
//
// A token is taken from issuers that the operator named, for the audience named, signed with a key
// of the issuer's set (JWKS) by an algorithm that is allowed for it: the token chooses among those
// and adds none. The sets are read by a thread of their own: at the start, every five minutes, and
// at most once a minute because a token named a key that is not in them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

struct OidcIssuer {
  std::string issuer, audience;
  std::string jwks;  // a file, or a URL: https, or http on this machine
  std::string user_claim = "sub";
  std::vector<std::string> algorithms = {"RS256", "ES256", "EdDSA"};
};

// The file that `--oidc` names: a JSON list of objects with the fields above, of which the last two
// may be left out. kInvalid: what is wrong in it; kIo.
Result<std::vector<OidcIssuer>> read_oidc_issuers(const std::string& path);

// Three parts with dots between: no API key looks so.
bool looks_like_token(std::string_view bearer);

struct SignedInPerson {
  std::string user;  // bare
  std::string issuer;
};

struct TokenRefusal {
  std::string why;         // a line
  bool try_again = false;  // the key that it names may be known in a moment
};

// Any thread.
class SignInVerifier {
 public:
  // Reads all sets. A file that cannot be read is an error; a URL that does not answer is logged,
  // and tried again.
  static Result<std::unique_ptr<SignInVerifier>> open(std::vector<OidcIssuer> issuers);
  ~SignInVerifier();

  Expected<SignedInPerson, TokenRefusal> verify(std::string_view token, Time now);

 private:
  struct Impl;
  explicit SignInVerifier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
