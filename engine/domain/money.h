// Money: integer minor units. Parts of an amount are exact until they are rounded, once, half up.
#pragma once

#include <cstdint>

#include "engine/base/check.h"

namespace tenure {

using Minor = int64_t;  // cents, of the organization's currency

// No amount is larger: what would be is this. So nothing overflows, whatever was used.
inline constexpr Minor kMaxMinor = 1'000'000'000'000'000;

__extension__ using Wide = __int128;

// `amount` * `part` / `whole`, rounded half up, at most kMaxMinor. None negative, `whole` not 0.
inline Minor share(Minor amount, uint64_t part, uint64_t whole) {
  CHECK(amount >= 0 && whole > 0);
  const Wide exact_twice = Wide{2} * amount * part;
  const Wide rounded = (exact_twice + whole) / (Wide{2} * whole);
  return rounded > kMaxMinor ? kMaxMinor : static_cast<Minor>(rounded);
}

// A price times a number of things, at most kMaxMinor.
inline Minor times(Minor price, uint64_t count) {
  const Wide exact = Wide{price} * count;
  return exact > kMaxMinor ? kMaxMinor : static_cast<Minor>(exact);
}

}  // namespace tenure
