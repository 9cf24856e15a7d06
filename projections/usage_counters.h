// The counters of a space as the domain has them, from the rows of the usage model and back: what
// was used beyond a limit, under which plan, and whether it is billed.
#pragma once

#include "engine/domain/state.h"
#include "projections/projection.h"

namespace tenure {

// Those of `keys` that there are.
using CounterKey = Counters::key_type;
Counters get_counters(Reduction& in, std::string_view space, const std::vector<CounterKey>& keys);
// Those of which something may still be billed: of the months that its periods touch.
Counters get_billable_counters(Reduction& in, std::string_view space_id, const Space& space);

// Writes those that are not as they were.
void put_counters(Reduction& in, std::string_view space, const Counters& before,
                  const Counters& after);

}  // namespace tenure
