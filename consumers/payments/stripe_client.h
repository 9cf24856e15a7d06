// Stripe's HTTP API, one request after the other. One thread.
#pragma once

#include <memory>
#include <string>

#include "consumers/payments/stripe_requests.h"

namespace tenure {

struct StripeAnswer {
  int status;
  std::string body;
  bool is_done() const { return status == 200; }
  // A card that was declined: Stripe made the object, and tells of the failure by an event.
  bool is_declined() const { return status == 402; }
  // The same request may succeed later.
  bool is_passing() const { return status == 409 || status == 429 || status >= 500; }
  // The key: it is wrong, or may not do this.
  bool is_unauthorized() const { return status == 401 || status == 403; }
};

class StripeClient {
 public:
  // `url`: "https://api.stripe.com". `secret_key`: "sk_...".
  StripeClient(std::string url, std::string secret_key);
  ~StripeClient();
  StripeClient(const StripeClient&) = delete;

  // kUnavailable: nobody answered within 30 s; whether it was done is not known.
  Result<StripeAnswer> post(const StripeRequest& request);
  Result<StripeAnswer> get(const std::string& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What Stripe says of a request that it refused; and the page of a Checkout session, or nothing.
std::string stripe_error(const StripeAnswer& answer);
std::string checkout_page(const StripeAnswer& answer);

}  // namespace tenure
