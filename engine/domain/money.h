// Money: integer minor units. Parts of an amount are exact until they are rounded, once, half up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

// How many decimals the amounts of a currency have (ISO 4217): of EUR 2, of JPY none, of KWD 3.
unsigned currency_decimals(std::string_view currency);

// "33.55 EUR", "3355 JPY"; `amount` not negative.
std::string amount_text(Minor amount, std::string_view currency);

}  // namespace tenure
