#include "tests/cases/case_runner.h"

#include <simdjson.h>

#include <algorithm>

namespace tenure {
namespace {

using simdjson::dom::element;

std::string text_of(const element& json) { return simdjson::minify(json); }

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
    at += with.size();
  }
}

std::string_view string_at(const element& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? value : std::string_view{};
}

bool has(const element& object, std::string_view key) {
  return object[key].error() == simdjson::SUCCESS;
}

// True if everything that `expected` says is so in `actual`; objects may have more fields.
bool matches(const element& expected, const element& actual) {
  if (expected.is_object()) {
    if (!actual.is_object()) return false;
    for (const auto& [key, value] : simdjson::dom::object(expected)) {
      element field;
      if (actual[key].get(field) != simdjson::SUCCESS || !matches(value, field)) return false;
    }
    return true;
  }
  if (expected.is_array()) {
    if (!actual.is_array()) return false;
    const simdjson::dom::array wanted = expected, got = actual;
    return std::equal(wanted.begin(), wanted.end(), got.begin(), got.end(), matches);
  }
  return text_of(expected) == text_of(actual);
}

class CaseRun {
 public:
  CaseRun(const Case& test_case, CaseExecutor& executor) : case_(test_case), executor_(executor) {}

  Result<void> step(const element& step) {
    if (has(step, "check")) return check(step);
    if (has(step, "assignable_roles")) return assignable(step);
    if (!has(step, "send")) return wrong(step, "a step sends, checks or asks for assignable roles");
    int64_t repeat = 1;
    if (has(step, "repeat")) repeat = step["repeat"].get_int64().value();
    for (int64_t n = 1; n <= repeat; ++n) TRY(send(step, n));
    return {};
  }

 private:
  std::unexpected<Error> wrong(const element& step, const std::string& what) const {
    return fail(ErrorKind::kInvalid,
                "case " + case_.name + "\n  step " + text_of(step) + "\n  " + what);
  }

  std::string command(const element& step, const std::string& org, int64_t n) {
    std::string text = text_of(step["send"].value());
    replace_all(text, "${n}", std::to_string(n));
    replace_all(text, "${checkout}", checkout_);
    std::string id = case_.org + "-" + std::to_string(++sent_);
    return R"({"id":")" + id + R"(","org":")" + org + R"(",)" + text.substr(1);
  }

  Result<void> send(const element& step, int64_t n) {
    const std::string answer = TRY(executor_.submit(command(step, case_.org, n)));
    simdjson::dom::parser parser;
    const element decision = parser.parse(answer);
    const bool rejected = string_at(decision, "outcome") == "rejected";
    if (rejected != has(step, "rejected")) return wrong(step, "came out as " + answer);
    if (!rejected) return accepted(step, decision);
    TRY(refused(step, decision));
    return has(step, "same_elsewhere") ? same_elsewhere(step, decision, n) : Result<void>{};
  }

  Result<void> accepted(const element& step, const element& decision) {
    for (const element event : decision["events"].get_array().value()) {
      const std::string_view checkout = string_at(event["event"].value(), "checkout");
      if (!checkout.empty()) checkout_ = checkout;
    }
    if (!has(step, "events")) return {};
    if (matches(step["events"].value(), decision["events"].value())) return {};
    return wrong(step, "left the events " + text_of(decision["events"].value()));
  }

  Result<void> refused(const element& step, const element& decision) {
    const element rejection = decision["rejection"].value();
    if (string_at(rejection, "code") != string_at(step, "rejected")) {
      return wrong(step, "was refused with " + text_of(rejection));
    }
    const std::string_view message = string_at(rejection, "message");
    if (!has(step, "message")) return {};
    for (const element part : step["message"].get_array().value()) {
      if (message.find(std::string_view(part)) == std::string_view::npos) {
        return wrong(step, "has the message " + std::string(message));
      }
    }
    return {};
  }

  Result<void> same_elsewhere(const element& step, const element& decision, int64_t n) {
    const std::string answer = TRY(executor_.submit(command(step, case_.org + "-nowhere", n)));
    simdjson::dom::parser parser;
    const element other = parser.parse(answer);
    if (matches(decision["rejection"].value(), other["rejection"].value())) return {};
    return wrong(step, "an organization that does not exist answers " + answer);
  }

  Result<void> check(const element& step) {
    const element query = step["check"].value();
    const bool allowed = executor_.is_allowed(
        case_.org, string_at(query, "user"), string_at(query, "action"), string_at(query, "space"));
    if (allowed == step["allowed"].get_bool().value()) return {};
    return wrong(step, allowed ? "it is allowed" : "it is denied");
  }

  Result<void> assignable(const element& step) {
    const element query = step["assignable_roles"].value();
    const std::vector<std::string> roles = executor_.assignable_roles(
        case_.org, string_at(query, "actor"), string_at(query, "target"));
    std::vector<std::string> expected;
    for (const element role : step["roles"].get_array().value()) {
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
    for (const element test_case : list) {
      const std::string_view number = string_at(test_case, "case");
      if (number.empty() || !has(test_case, "given") || !has(test_case, "then")) {
        return fail(
            ErrorKind::kInvalid,
            file.string() + ": a case needs case, title, given and then: " + text_of(test_case));
      }
      cases.push_back(
          {.name = std::string(number) + ": " + std::string(string_at(test_case, "title")),
           .org = "case-" + std::string(number),
           .json = text_of(test_case)});
    }
  }
  return cases;
}

Result<void> run_case(const Case& test_case, CaseExecutor& executor) {
  simdjson::dom::parser parser;
  const element parsed = parser.parse(test_case.json);
  CaseRun run(test_case, executor);
  for (const char* part : {"given", "then"}) {
    for (const element step : parsed[part].get_array().value()) TRY(run.step(step));
  }
  return {};
}

}  // namespace tenure
