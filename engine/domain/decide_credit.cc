#include <algorithm>
#include <tuple>

#include "engine/domain/decide_commands.h"
#include "engine/domain/invoices.h"
#include "engine/domain/plans.h"
#include "engine/domain/tax.h"

namespace tenure {
namespace {

constexpr uint32_t kDefaultPriority = 50, kMaxPriority = 100;

template <class Command>
Verdict valid_grant(const Command& command, Time now) {
  TRY(valid_id("space", command.space()));
  TRY(valid_id("grant", command.grant()));
  TRY(valid_amount(command.amount_minor()));
  if (command.priority().value_or(0) > kMaxPriority) {
    return reject(RejectionCode::invalid_value, "priority must be 0 to 100; the lower goes first",
                  "contract: credits");
  }
  if (!command.expires() || from_micros(*command.expires()) > now) return {};
  return reject(RejectionCode::invalid_value, "expires must lie ahead; leave it out for never",
                "contract: credits");
}

Minor balance(const Space& space) {
  Minor sum = 0;
  for (const auto& [id, grant] : space.credits) sum += grant.left;
  return sum;
}

// Of credits, used up or not, and of top-ups that wait to be paid.
Verdict is_new(const SpaceCaller& caller, std::string_view grant) {
  const bool waits = std::ranges::any_of(
      caller.space->top_ups, [&](const auto& held) { return held.second.grant == grant; });
  if (!waits && !caller.space->credits.contains(grant)) return {};
  return reject(RejectionCode::already_exists,
                "grant " + in_quotes(grant) + " exists; choose another id",
                rule_of(caller, "ids are never reused"));
}

Verdict keeps_in_bounds(const SpaceCaller& caller, Minor amount) {
  if (amount <= kMaxMinor - balance(*caller.space)) return {};
  return reject(RejectionCode::invalid_value,
                "the space would hold more credits than can be counted; add less",
                "contract: amounts");
}

template <class Command>
TopUp top_up_of(const Command& command, const Tax& tax = {}) {
  return {
      .grant = GrantId(text(command.grant())),
      .amount = command.amount_minor(),
      .expires = command.expires() ? std::optional(from_micros(*command.expires())) : std::nullopt,
      .priority = command.priority().value_or(kDefaultPriority),
      .checkout_expires = {},
      .requested = {},
      .tax = tax};
}

using Grants = std::vector<std::pair<std::string_view, const CreditGrant*>>;

// In the order in which they are drawn.
Grants drawn_first(const Space& space, std::string_view only) {
  Grants grants;
  for (const auto& [id, grant] : space.credits) {
    if (grant.left > 0 && (only.empty() || id == only)) grants.emplace_back(id.str(), &grant);
  }
  std::ranges::sort(grants, {}, [](const auto& entry) {
    const CreditGrant& grant = *entry.second;
    return std::tuple(grant.priority, grant.expires.value_or(Time::max()), grant.paid, grant.added,
                      entry.first);
  });
  return grants;
}

Verdict is_of_this_space(const SpaceCaller& caller, std::string_view grant) {
  if (grant.empty() || caller.space->credits.contains(grant)) return {};
  const bool elsewhere = std::ranges::any_of(caller.organization.spaces, [&](const auto& space) {
    return space.second.credits.contains(grant);
  });
  if (elsewhere) {
    return reject(RejectionCode::credits_not_transferable,
                  "grant " + in_quotes(grant) + " belongs to another space; use it there",
                  rule_of(caller, "credits belong to one space"));
  }
  return reject(RejectionCode::not_found,
                "there is no grant " + in_quotes(grant) + "; check the id",
                rule_of(caller, "target exists"));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::TopUpCredits& command, EventSink& events) {
  TRY(valid_grant(command, in.context.now));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kCreditTopUp));
  TRY(exists(caller));
  TRY(is_new(caller, text(command.grant())));
  TRY(has_payment_method(caller, caller.space->account.token));
  TRY(keeps_in_bounds(caller, command.amount_minor()));

  const TopUp top_up =
      top_up_of(command, tax_for(caller.organization, caller.space, in.context.catalog));
  if (is_consolidated(caller.organization)) {
    add_paid_credits(in, caller.space_id, *caller.space, top_up, {}, events);
    return {};
  }
  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto grant = builder.CreateString(command.grant());
  const auto checkout = builder.CreateString(checkout_of(in));
  const auto currency = builder.CreateString(caller.organization.currency);
  const auto country = top_up.tax.country.empty() ? 0 : builder.CreateString(top_up.tax.country);
  events.add(schema::CreateCreditsRequested(
      builder, space, grant, command.amount_minor(), command.expires(), top_up.priority, checkout,
      to_micros(in.context.now + kCheckoutLifetime), currency, country,
      top_up.tax.hundredths_of_percent, top_up.amount + top_up.tax.of(top_up.amount)));
  return {};
}

Verdict decide(const Incoming& in, const schema::GrantCredits& command, EventSink& events) {
  TRY(valid_grant(command, in.context.now));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kCreditGrant));
  TRY(exists(caller));
  TRY(is_new(caller, text(command.grant())));
  TRY(keeps_in_bounds(caller, command.amount_minor()));

  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto grant = builder.CreateString(command.grant());
  events.add(schema::CreateCreditsAdded(builder, space, grant, command.amount_minor(),
                                        command.expires(), top_up_of(command).priority,
                                        builder.CreateString("promotional")));
  return {};
}

Verdict decide(const Incoming& in, const schema::UseCredits& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_amount(command.amount_minor()));
  TRY(valid_name("description", command.description()));
  if (command.grant() != nullptr) TRY(valid_id("grant", command.grant()));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kCreditUse));
  TRY(exists(caller));
  TRY(is_of_this_space(caller, text(command.grant())));

  Minor missing = command.amount_minor();
  std::vector<std::pair<std::string_view, Minor>> drawn;
  for (const auto& [id, grant] : drawn_first(*caller.space, text(command.grant()))) {
    if (missing == 0) break;
    drawn.emplace_back(id, std::min(missing, grant->left));
    missing -= drawn.back().second;
  }
  if (missing > 0) {
    return reject(RejectionCode::insufficient_credits,
                  "credits for " + amount_text(missing, caller.organization.currency) + " of " +
                      amount_text(command.amount_minor(), caller.organization.currency) +
                      " are missing; top up, or use less",
                  rule_of(caller, "credits never fall below zero"));
  }

  auto& builder = events.builder();
  std::vector<flatbuffers::Offset<schema::CreditDraw>> draws;
  draws.reserve(drawn.size());
  for (const auto& [id, amount] : drawn) {
    draws.push_back(schema::CreateCreditDraw(builder, builder.CreateString(id), amount));
  }
  const auto space = builder.CreateString(command.space());
  const auto description = builder.CreateString(command.description());
  events.add(schema::CreateCreditsDrawn(builder, space, command.amount_minor(), description,
                                        builder.CreateVector(draws)));
  return {};
}

// Due work is never refused: credits that are used up leave nothing to do.
Verdict decide(const Incoming& in, const schema::ExpireCredits& command, EventSink& events) {
  TRY(is_engine(in, "credits expire"));
  if (in.organization == nullptr) return {};
  const auto space = in.organization->spaces.find(text(command.space()));
  if (space == in.organization->spaces.end()) return {};
  const auto found = space->second.credits.find(text(command.grant()));
  if (found == space->second.credits.end()) return {};
  const CreditGrant& grant = found->second;
  if (grant.left == 0 || !grant.expires || in.context.now < *grant.expires) return {};

  auto& builder = events.builder();
  const auto space_text = builder.CreateString(command.space());
  events.add(schema::CreateCreditsExpired(builder, space_text,
                                          builder.CreateString(command.grant()), grant.left));
  return {};
}

}  // namespace tenure
