// How a paid plan comes to be: by a checkout that is paid, or at once where invoices are
// consolidated.
#pragma once

#include "engine/domain/guards.h"

namespace tenure {

inline constexpr std::chrono::hours kCheckoutLifetime{24};

// True if the plan costs something, so that somebody must pay before it starts.
inline bool is_paid(const schema::Plan& plan) { return plan.price_minor() > 0; }

// Adds PlanChangeRequested, or SubscriptionStarted in a consolidated organization: the space goes
// from the plan `from` to the paid `plan`.
void start_or_request(const Incoming& in, std::string_view space, std::string_view from,
                      const schema::Plan& plan, EventSink& events);

}  // namespace tenure
