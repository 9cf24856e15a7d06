// Every acceptance case, on the domain alone.
#include <gtest/gtest.h>

#include "engine/domain/access.h"
#include "engine/json/json_edge.h"
#include "tests/cases/case_runner.h"
#include "tests/domain/domain_machine.h"

namespace tenure {

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.name; }

namespace {

class DomainExecutor final : public CaseExecutor {
 public:
  Result<std::string> submit(std::string_view command_json) override {
    const std::span<const uint8_t> command = TRY(reader_.read(command_json));
    now_ += std::chrono::seconds(1);
    machine_.apply(command, now_);
    std::string decision;
    write_decision_json("0:0", std::as_bytes(std::span(machine_.history().back())), decision);
    return decision;
  }
  bool is_allowed(std::string_view org, std::string_view user, std::string_view action,
                  std::string_view space) override {
    const Organization* organization = machine_.find(org);
    return organization != nullptr && tenure::is_allowed(*organization, user, action, space);
  }
  std::vector<std::string> assignable_roles(std::string_view org, std::string_view actor,
                                            std::string_view target) override {
    const Organization* organization = machine_.find(org);
    if (organization == nullptr) return {};
    return tenure::assignable_roles(*organization, actor, target);
  }

 private:
  JsonReader reader_{command_schema()};
  DomainMachine machine_;
  Time now_ = from_micros(1'790'000'000'000'000);
};

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = load_cases(TENURE_CASES).value();
  return cases;
}

class AcceptanceCase : public testing::TestWithParam<Case> {};

TEST_P(AcceptanceCase, ComesOutAsItSays) {
  DomainExecutor executor;
  const Result<void> outcome = run_case(GetParam(), executor);
  EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
}

INSTANTIATE_TEST_SUITE_P(Domain, AcceptanceCase, testing::ValuesIn(all_cases()),
                         [](const auto& info) {
                           std::string name = info.param.org;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace tenure
