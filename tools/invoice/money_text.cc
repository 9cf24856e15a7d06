#include "tools/invoice/money_text.h"

#include <unicode/locid.h>
#include <unicode/numberformatter.h>

#include <set>

#include "engine/base/check.h"
#include "engine/domain/money.h"

namespace tenure {
namespace {

using icu::number::LocalizedNumberFormatter;
using icu::number::NumberFormatter;

icu::Locale locale_of(std::string_view country) {
  static const std::set<std::string, std::less<>> kScripts = {"Latn", "Cyrl", "Grek"};
  UErrorCode status = U_ZERO_ERROR;
  icu::Locale locale(("und_" + std::string(country)).c_str());
  locale.addLikelySubtags(status);
  const bool readable = U_SUCCESS(status) != 0 && kScripts.contains(locale.getScript());
  if (country.empty() || !readable) locale = icu::Locale("en", std::string(country).c_str());
  locale.setUnicodeKeywordValue("nu", "latn", status);
  return locale;
}

// `value`: a decimal number in digits, so that nothing is rounded on the way.
std::string format(const LocalizedNumberFormatter& formatter, const std::string& value) {
  UErrorCode status = U_ZERO_ERROR;
  std::string text;
  formatter.formatDecimal(value, status).toString(status).toUTF8String(text);
  CHECK(U_SUCCESS(status));
  return text;
}

// `units` / 10^`digits`, as a decimal number.
std::string decimal(int64_t units, int digits) {
  return std::to_string(units) + "E-" + std::to_string(digits);
}

}  // namespace

std::string money_text(int64_t amount_minor, std::string_view currency, std::string_view country) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::CurrencyUnit unit(icu::StringPiece(currency), status);
  CHECK(U_SUCCESS(status));
  const auto digits =
      static_cast<int>(currency_decimals(currency));  // ICU's are those in daily use
  return format(NumberFormatter::withLocale(locale_of(country))
                    .unit(unit)
                    .precision(icu::number::Precision::fixedFraction(digits)),
                decimal(amount_minor, digits));
}

std::string quantity_text(uint64_t quantity, std::string_view country) {
  return format(NumberFormatter::withLocale(locale_of(country)), std::to_string(quantity));
}

std::string rate_text(uint32_t hundredths_of_percent, std::string_view country) {
  return format(NumberFormatter::withLocale(locale_of(country))
                    .unit(icu::MeasureUnit::getPercent())
                    .precision(icu::number::Precision::maxFraction(2)),
                decimal(hundredths_of_percent, 2));
}

std::string country_name(std::string_view country) {
  icu::UnicodeString name;
  icu::Locale("", std::string(country).c_str()).getDisplayCountry(icu::Locale::getEnglish(), name);
  std::string text;
  name.toUTF8String(text);
  return text;
}

}  // namespace tenure
