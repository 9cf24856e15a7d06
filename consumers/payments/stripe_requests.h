// What decisions ask of Stripe: a Checkout session for a plan or credits that wait to be paid, a
// PaymentIntent for an invoice. Pure: the same decision is always the same request with the same
// key, so that asking again after a crash asks for nothing new.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

// Where the payer's browser goes from Stripe's page.
struct CheckoutPages {
  std::string success_url, cancel_url;
};

struct StripeRequest {
  std::string path, form;  // of a POST
  std::string source;      // which event asks for it: "0:41:0"
  std::string idempotency_key;
  std::string org;
  std::string checkout, invoice;  // what it is for: one of both
  int64_t amount_minor = 0;       // of an invoice
  Time expires{};                 // of a checkout
};

// The events that ask for something, as /v1/decisions takes them.
inline constexpr std::string_view kPaymentEvents =
    "PlanChangeRequested,CreditsRequested,PaymentWanted";

// `decision`: a line of /v1/decisions. A checkout that expires before Stripe would still open a
// page for it (half an hour) asks for nothing: it expires by itself. kInvalid: no decision, or an
// amount that Stripe has no way to say.
Result<std::vector<StripeRequest>> stripe_requests(std::string_view decision,
                                                   const CheckoutPages& pages, Time now);

// A payment method as SetPaymentMethod has it: "cus_1/pm_2", or without a customer "pm_2".
std::string payment_token(std::string_view customer, std::string_view method);

// Stripe's amount of a currency, and back: it writes some currencies without decimals with two.
int64_t stripe_amount(int64_t minor, std::string_view currency);
int64_t minor_of_stripe(int64_t amount, std::string_view currency);

}  // namespace tenure
