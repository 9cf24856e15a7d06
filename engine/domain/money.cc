#include "engine/domain/money.h"

#include <algorithm>
#include <array>

namespace tenure {
namespace {

// Those that are not divided into hundredths.
constexpr std::array<std::string_view, 17> kWhole = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                                     "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                                     "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr std::array<std::string_view, 7> kThousandths = {"BHD", "IQD", "JOD", "KWD",
                                                          "LYD", "OMR", "TND"};
constexpr std::array<std::string_view, 2> kTenThousandths = {"CLF", "UYW"};

bool is_in(std::string_view currency, const auto& list) {
  return std::ranges::find(list, currency) != list.end();
}

}  // namespace

unsigned currency_decimals(std::string_view currency) {
  if (is_in(currency, kWhole)) return 0;
  if (is_in(currency, kThousandths)) return 3;
  return is_in(currency, kTenThousandths) ? 4 : 2;
}

std::string amount_text(Minor amount, std::string_view currency) {
  CHECK(amount >= 0);
  const size_t decimals = currency_decimals(currency);
  std::string text = std::to_string(amount);
  while (text.size() <= decimals) text.insert(text.begin(), '0');
  if (decimals > 0) text.insert(text.size() - decimals, 1, '.');
  return text.append(" ").append(currency);
}

}  // namespace tenure
