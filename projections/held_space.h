// A space's money, read from its rows. Its counters are read and written apart (usage_counters.h).
#pragma once

#include <optional>
#include <string>

#include "engine/domain/billing_rows.h"

namespace tenure::billing {

struct HeldSpace {
  Organization organization;  // with this space only, and what all share
  CreditTotals credits;
};

// The space that was last looked at, with the keys and bytes of the rows that say it.
struct HeldSpaceMemo {
  std::string rows;
  std::optional<HeldSpace> space;
};

}  // namespace tenure::billing
