#include "engine/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace tenure {
namespace {

Result<std::unique_ptr<int>> half(int n) {
  if (n % 2 != 0) return fail(ErrorKind::kInvalid, "odd: give an even number");
  return std::make_unique<int>(n / 2);
}

Result<int> quarter(int n) {
  auto once = TRY(half(n));
  return *TRY(half(*once));
}

TEST(Try, HandsOnTheValueEvenOneThatOnlyMoves) { EXPECT_EQ(quarter(12).value(), 3); }

TEST(Try, ReturnsTheFirstErrorToTheCaller) {
  auto result = quarter(6);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(result.error().message, "odd: give an even number");
}

}  // namespace
}  // namespace tenure
