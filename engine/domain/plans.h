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

// The plan a space has before anything is paid: the rulebook's default.
Guarded<const schema::Plan*> default_plan(const Caller& caller, const Catalog& catalog);

// Adds what ends with a space that is deleted: its open checkout, its subscription. `after` holds
// from then on.
void end_plan(std::string_view id, const Space& space, const schema::Plan& after,
              EventSink& events);

// How long what was deleted can be brought back.
inline constexpr std::chrono::hours kRestorable{30 * 24};

}  // namespace tenure
