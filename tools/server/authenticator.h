// From the credentials of a request to who made it: the admin key, a service's API key, or a
// person's OIDC token.
#pragma once

#include <functional>
#include <memory>

#include "tools/server/admin_key.h"
#include "tools/server/http.h"
#include "tools/server/oidc.h"
#include "tools/server/principal.h"

namespace tenure {

// Immutable; any thread.
class Authenticator {
 public:
  using CurrentServices = std::function<std::shared_ptr<const Services>()>;

  // `people` may be null: then no token is taken. It must outlive this.
  Authenticator(const AdminKey& admin, CurrentServices services, SignInVerifier* people)
      : admin_(admin), services_(std::move(services)), people_(people) {}

  // Keys come as `Authorization: Bearer KEY` or `X-Api-Key: KEY`, tokens as bearers alone. Else the
  // answer: 401, or 503 while an issuer's keys are not known.
  Expected<Principal, Response> authenticate(const Request& request) const;

 private:
  const AdminKey admin_;
  const CurrentServices services_;
  SignInVerifier* const people_;
};

}  // namespace tenure
