// Whether a webhook comes from Stripe: the header `Stripe-Signature`, "t=SECONDS,v1=HEX,...", where
// v1 is HMAC-SHA256 of "SECONDS.BODY" under the endpoint's secret. Pure; compares in constant time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

// A signature older than this, or so far ahead, is refused: what was overheard once is no use
// later.
inline constexpr std::chrono::seconds kSignatureTolerance{300};

// kInvalid: says what is wrong with it. While a secret is rolled there are several v1; one must
// fit.
Result<void> verify_stripe_signature(std::string_view header, std::string_view body,
                                     std::string_view secret, Time now);

}  // namespace tenure
