#include "tools/invoice/money_text.h"

#include <gmock/gmock.h>

#include "engine/domain/money.h"

namespace tenure {
namespace {

// Spaces that do not break are how CLDR writes them.
const std::string kNoBreak = "\u00a0", kNarrowNoBreak = "\u202f";

TEST(MoneyText, IsWrittenAsTheCountryWritesIt) {
  EXPECT_EQ(money_text(123456789, "EUR", "DE"), "1.234.567,89" + kNoBreak + "€");
  EXPECT_EQ(money_text(123456789, "EUR", "FR"),
            "1" + kNarrowNoBreak + "234" + kNarrowNoBreak + "567,89" + kNoBreak + "€");
  EXPECT_EQ(money_text(123456789, "USD", "US"), "$1,234,567.89");
  EXPECT_EQ(money_text(123456789, "GBP", "GB"), "£1,234,567.89");
  EXPECT_EQ(money_text(123456789, "CHF", "CH"), "CHF" + kNoBreak + "1’234’567.89");
  EXPECT_EQ(money_text(123456789, "INR", "IN"), "₹12,34,567.89");
}

TEST(MoneyText, KeepsEveryMinorUnitOfTheCurrency) {
  EXPECT_EQ(money_text(5, "EUR", "US"), "€0.05");
  EXPECT_EQ(money_text(0, "EUR", "US"), "€0.00");
  EXPECT_EQ(money_text(-1, "EUR", "US"), "-€0.01");
  EXPECT_EQ(money_text(1234, "JPY", "JP"), "¥1,234") << "a yen has no smaller unit";
  EXPECT_EQ(money_text(1234, "KWD", "US"), "KWD" + kNoBreak + "1.234") << "a dinar has a thousand";
  EXPECT_EQ(money_text(1234567, "IQD", "US"), "IQD" + kNoBreak + "1,234.567")
      << "as ISO 4217 has it";
  EXPECT_EQ(money_text(9'007'199'254'740'993, "EUR", "US"), "€90,071,992,547,409.93")
      << "more digits than a double holds";
  EXPECT_EQ(money_text(INT64_MAX, "EUR", "US"), "€92,233,720,368,547,758.07");
}

TEST(AmountText, HasTheDecimalsOfTheCurrency) {
  EXPECT_EQ(amount_text(3355, "EUR"), "33.55 EUR");
  EXPECT_EQ(amount_text(5, "EUR"), "0.05 EUR");
  EXPECT_EQ(amount_text(3355, "JPY"), "3355 JPY");
  EXPECT_EQ(amount_text(0, "JPY"), "0 JPY");
  EXPECT_EQ(amount_text(3355, "KWD"), "3.355 KWD");
  EXPECT_EQ(amount_text(1, "KWD"), "0.001 KWD");
}

TEST(MoneyText, IsEnglishWhereTheCountryIsUnknownOrTheFontHasNoLetters) {
  EXPECT_EQ(money_text(123456, "EUR", ""), "€1,234.56");
  EXPECT_EQ(money_text(123456, "EUR", "XX"), "€1,234.56");
  EXPECT_EQ(money_text(123456, "EUR", "AE"), "€1,234.56");
  EXPECT_EQ(money_text(123456, "EUR", "not a country"), "€1,234.56");
}

TEST(MoneyText, CountsAndRatesHaveTheSameSeparators) {
  EXPECT_EQ(quantity_text(1234567, "DE"), "1.234.567");
  EXPECT_EQ(quantity_text(1234567, "US"), "1,234,567");
  EXPECT_EQ(rate_text(1900, "DE"), "19" + kNoBreak + "%");
  EXPECT_EQ(rate_text(770, "DE"), "7,7" + kNoBreak + "%");
  EXPECT_EQ(rate_text(725, "US"), "7.25%");
}

TEST(CountryName, IsEnglish) {
  EXPECT_EQ(country_name("DE"), "Germany");
  EXPECT_EQ(country_name("XX"), "XX");
}

}  // namespace
}  // namespace tenure
