#include "tools/server/authenticator.h"

#include <strings.h>

#include "engine/base/time.h"
#include "tools/server/service_key.h"

namespace tenure {
namespace {

std::string_view bearer(const Request& request) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view given = request.authorization;
  const bool is_one = given.size() > kBearer.size() &&
                      ::strncasecmp(given.data(), kBearer.data(), kBearer.size()) == 0;
  return is_one ? given.substr(kBearer.size()) : std::string_view{};
}

}  // namespace

Expected<Principal, Response> Authenticator::authenticate(const Request& request) const {
  const std::string_view token = bearer(request);
  const std::string_view key = token.empty() ? request.api_key : token;
  const Time now = SystemClock().now();
  if (!key.empty()) {
    auto services = services_();
    const KeyHash hash = hash_of_key(key);
    if (admin_.admits(hash)) return Principal::admin(std::move(services));
    if (const auto service = holder_of_key(services.get(), key, hash, now)) {
      return *service == kAdminService ? Principal::admin(std::move(services))
                                       : Principal::service(*service, std::move(services));
    }
  }
  if (people_ != nullptr && looks_like_token(token)) {
    auto person = people_->verify(token, now);
    if (person) return Principal::person(person->user, person->issuer);
    const TokenRefusal& refusal = person.error();
    return std::unexpected(refusal.try_again ? problem(503, "unavailable", refusal.why)
                                             : problem(401, "unauthorized", refusal.why));
  }
  return std::unexpected(
      problem(401, "unauthorized", "send a valid API key as `Authorization: Bearer KEY`"));
}

}  // namespace tenure
