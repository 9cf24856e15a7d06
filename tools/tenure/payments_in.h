// From Stripe to commands: takes webhooks, and sends payers to their pages.
//
//   POST /webhook                     an event of Stripe, signed; answered when the server has
//   decided GET  /checkouts/{org}/{checkout}  303 to Stripe's page of an open checkout GET /healthz
//
// Stripe sends an event again until it is answered 200, and the command's id is the event's:
// however often it comes, it counts once.
#pragma once

#include "consumers/payments/payment_state.h"
#include "consumers/payments/stripe_client.h"
#include "tools/server/http.h"
#include "tools/server/work_pool.h"
#include "tools/tenure/api_client.h"

namespace tenure {

class PaymentsIn {
 public:
  // All must outlive it. `stripe`: for this alone.
  PaymentsIn(const ApiClient& server, StripeClient& stripe, const PaymentState& state,
             std::string webhook_secret)
      : server_(server), stripe_(stripe), state_(state), secret_(std::move(webhook_secret)) {}

  // A RequestHandler; webhooks are worked on in a thread of their own.
  void operator()(const Request& request, Respond respond);
  // Answers what waits, and takes no more.
  void stop() { work_.stop(); }

 private:
  Response checkout(std::string_view path) const;
  Response webhook(const Request& request);
  Result<void> tell(std::string_view body);

  const ApiClient& server_;
  StripeClient& stripe_;
  const PaymentState& state_;
  const std::string secret_;
  WorkPool work_{1, 1000};
};

}  // namespace tenure
