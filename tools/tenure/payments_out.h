// From decisions to Stripe: reads what was decided from the server, page by page, and asks Stripe
// for what is to be paid.
//
// At least once, with a key from the decision's position: once, as long as Stripe knows the key (a
// day and more). Where it has read to is stored when Stripe has acknowledged. One thread.
#pragma once

#include "consumers/payments/payment_state.h"
#include "consumers/payments/stripe_client.h"
#include "consumers/payments/stripe_events.h"
#include "tools/tenure/api_client.h"

namespace tenure {

// The server decides the command, or has decided it: rejected as something that is settled already
// is as good. kUnavailable: it cannot now; kInvalid: the key may not do this.
Result<void> submit_payment_command(const ApiClient& server, const StripeCommand& command);

class PaymentsOut {
 public:
  // All must outlive it.
  PaymentsOut(const ApiClient& server, StripeClient& stripe, PaymentState& state,
              CheckoutPages pages)
      : server_(server), stripe_(stripe), state_(state), pages_(std::move(pages)) {}

  // Reads on in every partition. False: there was nothing new. kUnavailable: to be tried again,
  // from where it stopped; any other error stays until an operator mends it.
  Result<bool> step(Time now);

 private:
  Result<bool> read_partition(PartitionId partition, Time now, bool& there);
  Result<bool> take(std::string_view decision, Time now);
  Result<void> ask(const StripeRequest& request);

  const ApiClient& server_;
  StripeClient& stripe_;
  PaymentState& state_;
  const CheckoutPages pages_;
};

}  // namespace tenure
