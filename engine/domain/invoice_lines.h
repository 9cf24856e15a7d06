// What a space is charged: one line for each stretch on a plan, one for the use of a meter in a
// month beyond what its plans include. What an invoice says and what a preview shows come from
// here. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace tenure {

struct ChargeLine {
  std::string description, space;
  uint64_t quantity = 0;
  Minor amount = 0;
  Time from, to;
  std::vector<Number> numbers;  // the decisions it came from, of many the first and the last
};

// What charges are made of. `settling`: those of the `periods` that are billed now; for others that
// were, late usage may have come.
struct Charged {
  std::string_view space;
  std::span<const Stretch> stretches;
  const Counters& counters;
  std::span<const Period> settling, periods;
};

// Those that are over, by time, and the running one.
std::vector<Period> periods_of(const Space& space);

// In order of time. Empty: nothing is charged.
std::vector<ChargeLine> charge_lines(const Charged& charged);

// True if a bill of `settling` has the range, late or not.
bool is_charged(const UsageRange& range, std::span<const Period> settling,
                std::span<const Period> periods);

// The price of all that a counter of one month has beyond what is included, billed or not.
Minor overage_of(const Counter& counter, std::span<const Stretch> stretches, Month month,
                 std::string_view meter);

// The plan held at `at`; null before the first.
const Stretch* stretch_at(std::span<const Stretch> stretches, Time at);

Minor sum_of(std::span<const ChargeLine> lines);

}  // namespace tenure
