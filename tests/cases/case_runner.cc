#include "tests/cases/case_runner.h"

#include <algorithm>

#include "tests/cases/json_access.h"

namespace tenure {
namespace {

// True if everything that `expected` says is so in `actual`; objects may have more fields.
bool matches(const JsonElement& expected, const JsonElement& actual) {
  if (expected.is_object()) {
    if (!actual.is_object()) return false;
    for (const auto& [key, value] : simdjson::dom::object(expected)) {
      JsonElement field;
      if (actual[key].get(field) != simdjson::SUCCESS || !matches(value, field)) return false;
    }
    return true;
  }
  if (expected.is_array()) {
    if (!actual.is_array()) return false;
    const simdjson::dom::array wanted = expected, got = actual;
    return std::equal(wanted.begin(), wanted.end(), got.begin(), got.end(), matches);
  }
  return json_text(expected) == json_text(actual);
}

class CaseRun {
 public:
  CaseRun(const Case& test_case, CaseExecutor& executor) : case_(test_case), executor_(executor) {}

  Result<void> step(const JsonElement& step) {
    if (has(step, "check")) return check(step);
    if (has(step, "assignable_roles")) return assignable(step);
    if (!has(step, "send")) return wrong(step, "a step sends, checks or asks for assignable roles");
    int64_t repeat = 1;
    if (has(step, "repeat")) repeat = step["repeat"].get_int64().value();
    for (int64_t n = 1; n <= repeat; ++n) TRY(send(step, n));
    return {};
  }

 private:
  std::unexpected<Error> wrong(const JsonElement& step, const std::string& what) const {
    return fail(ErrorKind::kInvalid,
                "case " + case_.name + "\n  step " + json_text(step) + "\n  " + what);
  }

  std::string command(const JsonElement& step, const std::string& org, int64_t n) {
    std::string text = json_text(at(step, "send"));
    replace_all(text, "${n}", std::to_string(n));
    replace_all(text, "${checkout}", checkout_);
    std::string id = case_.org + "-" + std::to_string(++sent_);
    return R"({"id":")" + id + R"(","org":")" + org + R"(",)" + text.substr(1);
  }

  Result<void> send(const JsonElement& step, int64_t n) {
    const std::string answer = TRY(executor_.submit(command(step, case_.org, n)));
    simdjson::dom::parser parser;
    const JsonElement decision = parser.parse(answer);
    const bool rejected = string_at(decision, "outcome") == "rejected";
    if (rejected != has(step, "rejected")) return wrong(step, "came out as " + answer);
    if (!rejected) return accepted(step, decision);
    TRY(refused(step, decision));
    return has(step, "same_elsewhere") ? same_elsewhere(step, decision, n) : Result<void>{};
  }

  Result<void> accepted(const JsonElement& step, const JsonElement& decision) {
    for (const JsonElement event : array_at(decision, "events")) {
      const std::string_view checkout = string_at(at(event, "event"), "checkout");
      if (!checkout.empty()) checkout_ = checkout;
    }
    if (!has(step, "events")) return {};
    if (matches(at(step, "events"), at(decision, "events"))) return {};
    return wrong(step, "left the events " + json_text(at(decision, "events")));
  }

  Result<void> refused(const JsonElement& step, const JsonElement& decision) {
    const JsonElement rejection = at(decision, "rejection");
    if (string_at(rejection, "code") != string_at(step, "rejected")) {
      return wrong(step, "was refused with " + json_text(rejection));
    }
    const std::string_view message = string_at(rejection, "message");
    if (!has(step, "message")) return {};
    for (const JsonElement part : array_at(step, "message")) {
      if (message.find(std::string_view(part)) == std::string_view::npos) {
        return wrong(step, "has the message " + std::string(message));
      }
    }
    return {};
  }

  Result<void> same_elsewhere(const JsonElement& step, const JsonElement& decision, int64_t n) {
    const std::string answer = TRY(executor_.submit(command(step, case_.org + "-nowhere", n)));
    simdjson::dom::parser parser;
    const JsonElement other = parser.parse(answer);
    if (matches(at(decision, "rejection"), at(other, "rejection"))) return {};
    return wrong(step, "an organization that does not exist answers " + answer);
  }

  Result<void> check(const JsonElement& step) {
    const JsonElement query = at(step, "check");
    const bool allowed = executor_.is_allowed(
        case_.org, string_at(query, "user"), string_at(query, "action"), string_at(query, "space"));
    if (allowed == step["allowed"].get_bool().value()) return {};
    return wrong(step, allowed ? "it is allowed" : "it is denied");
  }

  Result<void> assignable(const JsonElement& step) {
    const JsonElement query = at(step, "assignable_roles");
    const std::vector<std::string> roles = executor_.assignable_roles(
        case_.org, string_at(query, "actor"), string_at(query, "target"));
    std::vector<std::string> expected;
    for (const JsonElement role : array_at(step, "roles")) {
      expected.emplace_back(std::string_view(role));
    }
    if (roles == expected) return {};
    std::string got;
    for (const std::string& role : roles) got += " " + role;
    return wrong(step, "the roles are:" + got);
  }

  const Case& case_;
  CaseExecutor& executor_;
  std::string checkout_;
  int sent_ = 0;
};

}  // namespace

Result<std::vector<Case>> load_cases(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<Case> cases;
  for (const auto& file : files) {
    simdjson::dom::parser parser;
    simdjson::dom::array list;
    if (const auto error = parser.load(file.string()).get(list)) {
      return fail(ErrorKind::kInvalid, file.string() + ": " + simdjson::error_message(error));
    }
    for (const JsonElement test_case : list) {
      const std::string_view number = string_at(test_case, "case");
      if (number.empty() || !has(test_case, "given") || !has(test_case, "then")) {
        return fail(
            ErrorKind::kInvalid,
            file.string() + ": a case needs case, title, given and then: " + json_text(test_case));
      }
      cases.push_back(
          {.name = std::string(number) + ": " + std::string(string_at(test_case, "title")),
           .org = "case-" + std::string(number),
           .json = json_text(test_case)});
    }
  }
  return cases;
}

Result<void> run_case(const Case& test_case, CaseExecutor& executor) {
  simdjson::dom::parser parser;
  const JsonElement parsed = parser.parse(test_case.json);
  CaseRun run(test_case, executor);
  for (const char* part : {"given", "then"}) {
    for (const JsonElement step : array_at(parsed, part)) TRY(run.step(step));
  }
  return {};
}

}  // namespace tenure
