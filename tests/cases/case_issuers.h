// OpenID Connect issuers of the tests' own, which a served engine believes: their settings, and the
// tokens that they sign.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/time.h"

namespace tenure::test {

class CaseIssuers {
 public:
  // Writes the settings of https://id.example and https://other.example, and the key that both
  // sign with, into `directory`. Ends the test program if it cannot.
  explicit CaseIssuers(const std::string& directory);
  ~CaseIssuers();

  const std::string& settings() const { return settings_; }  // the file, for `tenure serve --oidc`
  // Says that the issuer vouches for the user, for an hour from `now` on.
  std::string token(std::string_view issuer, std::string_view user, Time now) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
  std::string settings_;
};

}  // namespace tenure::test
