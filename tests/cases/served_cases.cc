// Every acceptance case again, through `tenure serve`: embedded, or over Kafka (served_engine.h).
#include <gtest/gtest.h>

#include "tests/cases/served_executor.h"

namespace tenure::test {
namespace {

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = load_cases(TENURE_CASES).value();
  return cases;
}

// One engine for all cases, but those that set its clock: each of these has its own.
class ServedCase : public testing::TestWithParam<Case> {
 protected:
  static void TearDownTestSuite() { shared_.reset(); }

  ServedEngine& engine() {
    std::unique_ptr<ServedEngine>& engine = GetParam().moves_clock ? own_ : shared_;
    if (!engine) {
      using enum ServedEngine::WallClock;
      engine = std::make_unique<ServedEngine>(GetParam().moves_clock ? kSettable : kReal);
    }
    return *engine;
  }

 private:
  static std::unique_ptr<ServedEngine> shared_;
  std::unique_ptr<ServedEngine> own_;
};

std::unique_ptr<ServedEngine> ServedCase::shared_;

TEST_P(ServedCase, ComesOutAsItSays) {
  ServedExecutor executor(engine());
  const Result<size_t> skipped = run_case(GetParam(), executor);
  ASSERT_TRUE(skipped.has_value()) << skipped.error().message;
  EXPECT_EQ(*skipped, 0u);
}

INSTANTIATE_TEST_SUITE_P(Served, ServedCase, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return test_name(info.param); });

}  // namespace
}  // namespace tenure::test
