// Amounts as the people of a country write them: "1.234,56 €" in Germany, "$1,234.56" in the United
// States. Formats and digits are those of ICU (Unicode CLDR); the arithmetic is on whole minor
// units, never on floating point.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tenure {

// `currency`: ISO 4217. `country`: ISO 3166-1 alpha-2, whose most spoken language decides the
// format; empty or unknown: English. Languages whose script the invoice's font lacks are written as
// English is in that country.
std::string money_text(int64_t amount_minor, std::string_view currency, std::string_view country);

// A count, with the same separators.
std::string quantity_text(uint64_t quantity, std::string_view country);

// A rate in hundredths of a percent: "19 %", "7,7 %".
std::string rate_text(uint32_t hundredths_of_percent, std::string_view country);

// A country's name in English; its code where it has none.
std::string country_name(std::string_view country);

}  // namespace tenure
