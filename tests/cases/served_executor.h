// Acceptance cases over HTTP, against a served engine.
#pragma once

#include <map>
#include <string>

#include "tests/cases/case_runner.h"
#include "tests/cases/served_engine.h"

namespace tenure::test {

class ServedExecutor final : public CaseExecutor, public CaseServer {
 public:
  explicit ServedExecutor(ServedEngine& engine) : engine_(engine) {}

  Result<std::vector<std::string>> submit(const std::vector<std::string>& commands) override;
  Result<std::string> submit_signed_in(const std::string& command,
                                       std::string_view issuer) override;
  Result<bool> is_allowed(std::string_view org, std::string_view user, std::string_view action,
                          std::string_view space) override;
  Result<std::vector<std::string>> assignable_roles(std::string_view org, std::string_view actor,
                                                    std::string_view target) override;
  Result<std::vector<std::string>> due_decisions(std::string_view org) override;
  Time now() override { return engine_.now(); }
  Result<void> set_clock(Time to) override { return engine_.set_clock(to); }
  CaseServer* server() override { return this; }

  Result<Answer> get(std::string_view org, std::string_view target) override;
  Result<Answer> get_signed_in(std::string_view org, std::string_view target, std::string_view user,
                               std::string_view issuer) override;
  Result<void> restart() override { return engine_.restart(); }

 private:
  static Result<std::string> submit_one(const ApiClient& client, const std::string& command);
  void note(const std::string& decision);
  std::string fresh(std::string_view org, std::string target) const;

  ServedEngine& engine_;
  std::map<std::string, std::string, std::less<>> positions_;  // of the last decision, by org
};

}  // namespace tenure::test
