// How plans begin, change and end, and what that does to the periods that are billed.
#pragma once

#include "engine/domain/guards.h"

namespace tenure {

inline constexpr std::chrono::hours kCheckoutLifetime{24};

// Where invoices are consolidated, nothing goes through a checkout.
bool is_consolidated(const Organization& organization);

// The checkout that a command opens: the same for the same command and version.
std::string checkout_of(const Incoming& in);

// Adds PlanChangeRequested, or SubscriptionStarted in a consolidated organization: the space goes
// from the plan `from` to the paid `plan`.
void start_or_request(const Incoming& in, std::string_view space, std::string_view from,
                      const schema::Plan& plan, EventSink& events);

// Adds SubscriptionStarted; `checkout` empty: none was needed.
void start_subscription(const Incoming& in, std::string_view space, const schema::Plan& plan,
                        std::string_view checkout, EventSink& events);

// payment_method_required where the rulebook says that a space needs one.
Verdict has_payment_method(const Caller& caller, std::string_view token);

// A whole billing period that begins at `from` or holds it, and whose invoice it goes on.
struct NextPeriod {
  Time to, anchor;
  bool consolidated;
};
NextPeriod next_period(const Organization& organization, const Space* space, uint32_t months,
                       Time from);

// The period that a space is in, as if it ended at `to`; and its invoice came at `issue_at`.
Period current_period(const Subscription& held, Time to, Time issue_at);

// When the invoice comes of a period that ends early, at `to`: of one on the organization's
// invoice, with the others of that month.
Time issue_time(const Incoming& in, const Subscription& held, Time to);

// Adds BillingPeriodClosed. `next`: the period that follows by itself, if one does.
void close_period(std::string_view id, const Space& space, Time to, Time issue_at,
                  const std::optional<NextPeriod>& next, EventSink& events);

// The plan a space has before anything is paid: the rulebook's default.
Guarded<const schema::Plan*> default_plan(const Caller& caller, const Catalog& catalog);

// Adds what ends with a paid plan at `at`, billed to the second: its period and the subscription.
// `after` holds from then on.
void end_subscription(const Incoming& in, std::string_view id, const Space& space, Time at,
                      const schema::Plan& after, std::string_view cause, EventSink& events);

// Adds what ends with a space that is deleted, alone or with its organization: its open checkouts,
// its subscription.
void end_plan(const Incoming& in, std::string_view id, const Space& space,
              const schema::Plan& after, EventSink& events);

// Adds PlanChangeFailed or CreditsRequestFailed.
void fail_change(std::string_view space, const Pending& pending, std::string_view cause,
                 EventSink& events);
void fail_top_up(std::string_view space, std::string_view checkout, const TopUp& top_up,
                 std::string_view cause, EventSink& events);

// How long what was deleted can be brought back.
inline constexpr std::chrono::hours kRestorable{30 * 24};

}  // namespace tenure
