// What the engine knows of a space's or an organization's money: what was held when, what was used
// beyond its limit, what is owed. Parts of state.h; plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/domain/money.h"
#include "engine/domain/plan_terms.h"

namespace tenure {

// Whom invoices go to and how they are paid.
struct BillingAccount {
  std::string token, label;  // of the payment method; empty: none
  std::string country;       // of the billing details; empty: none were given
  friend bool operator==(const BillingAccount&, const BillingAccount&) = default;
};

// What is added to a net amount.
struct Tax {
  std::string country;  // of the billing details; empty: none were given
  uint32_t hundredths_of_percent = 0;

  Minor of(Minor net) const { return share(net, hundredths_of_percent, 10'000); }
  friend bool operator==(const Tax&, const Tax&) = default;
};

// A plan held without interruption, from `from` until the next stretch.
struct Stretch {
  PlanTerms terms;
  Time from;
  Number began;  // the decision
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

// A billing period that is over, and the whole one that it is a part of.
struct Period {
  Time from, to;
  Time whole_from, whole_to;
  Time issue_at{};            // until then its usage may still come
  bool consolidated = false;  // goes on the organization's invoice
  bool settled = false;       // an invoice has it, or nothing was charged
  friend bool operator==(const Period&, const Period&) = default;
};

// The units of a month's counter from `from` to `to`: recorded for one period under one plan.
struct UsageRange {
  PlanTerms terms;
  Time period_from;
  uint64_t from = 0, to = 0;
  Number first, last;  // decisions
  bool billed = false;
  friend bool operator==(const UsageRange&, const UsageRange&) = default;
};

struct CreditGrant {
  bool paid = false;  // else promotional
  Minor left = 0;
  std::optional<Time> expires;
  uint32_t priority = 0;  // the lower is drawn first
  Number added;
  friend bool operator==(const CreditGrant&, const CreditGrant&) = default;
};

// Credits that wait for their checkout to be paid.
struct TopUp {
  GrantId grant;
  Minor amount = 0;
  std::optional<Time> expires;
  uint32_t priority = 0;
  Time checkout_expires;
  Number requested;  // the decision
  Tax tax{};         // as it was asked for
  friend bool operator==(const TopUp&, const TopUp&) = default;
};

// How far things are with an invoice that is not paid.
enum class DunningStep : uint8_t { kNone, kPastDue, kWarned, kSuspended, kEnded };

// "INV-000012" of 12; and back, nothing of what is no such id.
std::string invoice_id(uint64_t number);
std::optional<uint64_t> invoice_number(std::string_view id);

struct Invoice {
  SpaceId space;  // empty: of the organization
  uint64_t number = 0;
  Minor total = 0, tax = 0, paid = 0, credited = 0;
  Time due;
  Time next{};  // when dunning goes a step further; zero: no more
  DunningStep step = DunningStep::kNone;
  std::vector<std::string> references{};  // of the payments of a part, as long as it is not paid

  Minor left() const { return total - paid - credited; }
  friend bool operator==(const Invoice&, const Invoice&) = default;
};

}  // namespace tenure
