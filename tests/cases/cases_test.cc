// Every acceptance case, on the domain alone.
#include <gtest/gtest.h>

#include <iostream>

#include "engine/domain/access.h"
#include "engine/json/json_edge.h"
#include "engine/partition/vouched_command.h"
#include "engine/personal/key_store.h"
#include "engine/personal/seal_command.h"
#include "tests/cases/case_runner.h"
#include "tests/domain/domain_machine.h"
#include "tests/support/simulated_file_system.h"

namespace tenure {
namespace {

class DomainExecutor final : public CaseExecutor {
 public:
  // One after the other.
  Result<std::vector<std::string>> submit(const std::vector<std::string>& commands) override {
    std::vector<std::string> decisions;
    for (const std::string& command : commands) {
      decisions.push_back(TRY(submit_signed_in(command, {})));
    }
    return decisions;
  }
  Result<std::string> submit_signed_in(const std::string& command,
                                       std::string_view issuer) override {
    clock_ += std::chrono::seconds(1);
    CommandBytes arrived = as_from_ingress(TRY(reader_.read(command)), issuer);
    machine_.apply(TRY(seal_command(std::move(arrived), *keys_)).view(), next_time());
    std::string decision;
    write_decision_json("0:0", std::as_bytes(std::span(machine_.history().back())), decision);
    return decision;
  }
  Result<bool> is_allowed(std::string_view org, std::string_view user, std::string_view action,
                          std::string_view space) override {
    const Organization* organization = machine_.find(org);
    return organization != nullptr && tenure::is_allowed(*organization, user, action, space);
  }
  Result<std::vector<std::string>> assignable_roles(std::string_view org, std::string_view actor,
                                                    std::string_view target) override {
    const Organization* organization = machine_.find(org);
    if (organization == nullptr) return std::vector<std::string>{};
    return tenure::assignable_roles(*organization, actor, target);
  }

  Result<std::vector<std::string>> due_decisions(std::string_view org) override {
    std::vector<std::string> decisions;
    for (const std::vector<uint8_t>& bytes : machine_.history()) {
      const schema::CommandEnvelope& command = *decision_of(bytes).command_nested_root();
      if (command.org()->string_view() != org || command.actor()->string_view() != "system") {
        continue;
      }
      write_decision_json("0:0", std::as_bytes(std::span(bytes)), decisions.emplace_back());
    }
    return decisions;
  }
  Time now() override { return clock_; }
  Result<void> set_clock(Time to) override {
    clock_ = to;
    machine_.do_all_due(next_time());
    return {};
  }

 private:
  // A key's secret is made on the way in.
  static CommandBytes as_from_ingress(std::span<const uint8_t> command, std::string_view issuer) {
    Vouched vouched{.sign_in = issuer, .key_hash = {}};
    if (envelope_of(command).command_type() == schema::Command::CreateApiKey) {
      vouched.key_hash.emplace();
    }
    return vouch_for(trusted_command(command), vouched);
  }

  // As a partition's: it never goes back.
  Time next_time() { return decided_ = std::max(clock_, decided_ + Duration(1)); }

  JsonReader reader_{command_schema()};
  test::SimulatedFileSystem files_;
  std::unique_ptr<KeyStore> keys_ = KeyStore::open(files_, "keys").value();
  DomainMachine machine_;
  Time clock_ = from_micros(1'790'000'000'000'000);
  Time decided_{};
};

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = load_cases(TENURE_CASES).value();
  return cases;
}

class AcceptanceCase : public testing::TestWithParam<Case> {};

TEST_P(AcceptanceCase, ComesOutAsItSays) {
  DomainExecutor executor;
  const Result<size_t> skipped = run_case(GetParam(), executor);
  ASSERT_TRUE(skipped.has_value()) << skipped.error().message;
  RecordProperty("skipped", static_cast<int>(*skipped));
  if (*skipped > 0) std::cout << "skipped, since they need a server: " << *skipped << " steps\n";
}

INSTANTIATE_TEST_SUITE_P(Domain, AcceptanceCase, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return test_name(info.param); });

}  // namespace
}  // namespace tenure
