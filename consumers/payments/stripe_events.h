// What Stripe's events tell Tenure: a payment that was made or that failed, as the command that
// says so. Pure. The command's id comes from the event's, so an event that is told again changes
// nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consumers/payments/stripe_requests.h"

namespace tenure {

struct StripeCommand {
  std::string id, org, type, fields;  // `fields`: the command as JSON
};

struct StripeEvent {
  std::string id;                       // "evt_..."
  std::vector<StripeCommand> commands;  // in order; none: nothing that concerns Tenure
  // Of a checkout that took a payment method: it must be looked up and set before the commands.
  std::string setup_intent, org, space;
};

// `body`: of the webhook. kInvalid: no event of Stripe.
Result<StripeEvent> read_stripe_event(std::string_view body);

// SetPaymentMethod of what `setup_intent` (Stripe's answer) took. kInvalid: it has none.
Result<StripeCommand> set_payment_method(const StripeEvent& event, std::string_view setup_intent);

// What Stripe refused for good is a payment that failed.
StripeCommand refused(const StripeRequest& request);

// The envelope of /v1/commands, by whoever's key sends it.
std::string command_json(const StripeCommand& command);

}  // namespace tenure
