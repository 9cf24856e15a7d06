#include "tests/cases/case_runner.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <ostream>
#include <set>

#include "engine/json/json_edge.h"
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

int64_t number_at(const JsonElement& object, std::string_view key, int64_t otherwise) {
  int64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : otherwise;
}

// "30d", "-1h": a number and its unit.
std::optional<Duration> parse_duration(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end + 1 != text.data() + text.size()) return std::nullopt;
  switch (*end) {
    case 'd':
      return std::chrono::days(number);
    case 'h':
      return std::chrono::hours(number);
    case 'm':
      return std::chrono::minutes(number);
    case 's':
      return std::chrono::seconds(number);
  }
  return std::nullopt;
}

class CaseRun {
 public:
  CaseRun(const Case& test_case, CaseExecutor& executor)
      : case_(test_case), executor_(executor), server_(executor.server()) {
    texts_["org"] = case_.org;
  }

  size_t skipped() const { return skipped_; }

  Result<void> run(const JsonElement& step) {
    step_ = json_text(step);
    if (has(step, "check")) return check(step);
    if (has(step, "assignable_roles")) return assignable(step);
    if (has(step, "together")) return together(step);
    if (has(step, "time") || has(step, "advance")) return move_clock(step);
    if (has(step, "due")) return due(step);
    for (const auto& [kind, method] : {std::pair{"send", &CaseRun::send},
                                       {"again", &CaseRun::again},
                                       {"get", &CaseRun::get},
                                       {"restart", &CaseRun::restart}}) {
      if (!has(step, kind)) continue;
      if (server_ == nullptr && needs_server(step)) return skip();
      for (turn_ = 1; turn_ <= number_at(step, "repeat", 1); ++turn_) TRY((this->*method)(step));
      return {};
    }
    return wrong("is of no kind that tests/cases/case_runner.h names");
  }

 private:
  std::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorKind::kInvalid, "case " + case_.name + "\n  step " + step_ + "\n  " + what);
  }

  bool needs_server(const JsonElement& step) const {
    return !has(step, "send") || ids_.contains(string_at(step, "id"));
  }

  Result<void> skip() {
    ++skipped_;
    return {};
  }

  std::string fill(std::string text) const {
    replace_all(text, "${n}", std::to_string(turn_));
    for (const auto& [name, value] : texts_) replace_all(text, "${" + name + "}", value);
    return text;
  }

  std::string command(const JsonElement& body, const std::string& org, std::string_view id) {
    const std::string unique =
        case_.org + "-" + (id.empty() ? std::to_string(++sent_) : std::string(id));
    const std::string place = has(body, "org") ? "" : R"("org":")" + org + R"(",)";
    return R"({"id":")" + unique + R"(",)" + place + fill(json_text(body)).substr(1);
  }

  Result<std::string> submit(const std::string& command) {
    return TRY(executor_.submit({command})).front();
  }

  Result<void> send(const JsonElement& step) {
    const std::string id(string_at(step, "id"));
    last_command_ = command(at(step, "send"), case_.org, id);
    const std::string_view issuer = string_at(step, "signed_in");
    last_decision_ = issuer.empty() ? TRY(submit(last_command_))
                                    : TRY(executor_.submit_signed_in(last_command_, issuer));
    simdjson::dom::parser parser;
    const JsonElement decision = parser.parse(last_decision_);
    const bool rejected = string_at(decision, "outcome") == "rejected";
    if (rejected != has(step, "rejected")) return wrong("came out as " + last_decision_);
    if (id.empty() || ids_.insert(id).second) TRY(note(decision, id));
    if (!rejected) return accepted(step, decision);
    TRY(refused(step, decision));
    return has(step, "same_elsewhere") ? same_elsewhere(step, decision) : Result<void>{};
  }

  // What later steps may name of a decision.
  Result<void> note(const JsonElement& decision, const std::string& id) {
    const bool sandbox = has(decision, "recorded");  // whose own time stands still
    const std::string time(string_at(decision, sandbox ? "recorded" : "time"));
    if (time.empty()) return {};  // refused before it came to a decision
    if (string_at(decision, "org") != case_.org) return {};
    if (time <= last_time_) return wrong("was decided at " + time + ", after " + last_time_);
    last_time_ = time;
    if (id.empty()) return {};
    texts_[id + ".time"] = string_at(decision, "time");
    texts_[id + ".position"] = string_at(decision, "position");
    texts_[id + ".version"] = std::to_string(number_at(decision, "version", 0));
    return {};
  }

  Result<void> accepted(const JsonElement& step, const JsonElement& decision) {
    for (const JsonElement event : array_at(decision, "events")) {
      const std::string_view checkout = string_at(at(event, "event"), "checkout");
      if (!checkout.empty()) texts_["checkout"] = checkout;
    }
    if (!has(step, "events")) return {};
    simdjson::dom::parser expected;
    const std::string wanted = fill(json_text(at(step, "events")));
    if (matches(expected.parse(wanted), at(decision, "events"))) return {};
    return wrong("left the events " + json_text(at(decision, "events")));
  }

  Result<void> refused(const JsonElement& step, const JsonElement& decision) {
    const JsonElement rejection = at(decision, "rejection");
    if (string_at(rejection, "code") != string_at(step, "rejected")) {
      return wrong("was refused with " + json_text(rejection));
    }
    const std::string_view message = string_at(rejection, "message");
    if (!has(step, "message")) return {};
    for (const JsonElement part : array_at(step, "message")) {
      if (message.find(std::string_view(part)) == std::string_view::npos) {
        return wrong("has the message " + std::string(message));
      }
    }
    return {};
  }

  Result<void> same_elsewhere(const JsonElement& step, const JsonElement& decision) {
    const std::string answer =
        TRY(submit(command(at(step, "send"), case_.org + "-nowhere", string_at(step, "id"))));
    simdjson::dom::parser parser;
    const JsonElement other = parser.parse(answer);
    if (matches(at(decision, "rejection"), at(other, "rejection"))) return {};
    return wrong("an organization that does not exist answers " + answer);
  }

  Result<void> together(const JsonElement& step) {
    std::vector<std::string> commands;
    for (const JsonElement body : array_at(step, "together")) {
      commands.push_back(command(body, case_.org, {}));
    }
    int64_t accepted = 0;
    for (const std::string& answer : TRY(executor_.submit(commands))) {
      simdjson::dom::parser parser;
      const JsonElement decision = parser.parse(answer);
      last_time_ = std::max(last_time_, std::string(string_at(decision, "time")));
      if (string_at(decision, "outcome") == "accepted") {
        ++accepted;
      } else {
        TRY(refused(step, decision));
      }
    }
    if (accepted == number_at(step, "accepted", -1)) return {};
    return wrong(std::to_string(accepted) + " were accepted");
  }

  Result<void> again(const JsonElement&) {
    const std::string answer = TRY(submit(last_command_));
    if (answer == last_decision_) return {};
    return wrong("answers " + answer + "\n  and before " + last_decision_);
  }

  Result<void> check(const JsonElement& step) {
    const JsonElement query = at(step, "check");
    const std::string user = fill(std::string(string_at(query, "user")));
    const bool allowed = TRY(executor_.is_allowed(case_.org, user, string_at(query, "action"),
                                                  string_at(query, "space")));
    if (allowed == step["allowed"].get_bool().value()) return {};
    return wrong(allowed ? "it is allowed" : "it is denied");
  }

  Result<void> assignable(const JsonElement& step) {
    const JsonElement query = at(step, "assignable_roles");
    const std::vector<std::string> roles = TRY(executor_.assignable_roles(
        case_.org, string_at(query, "actor"), string_at(query, "target")));
    std::vector<std::string> expected;
    for (const JsonElement role : array_at(step, "roles")) {
      expected.emplace_back(std::string_view(role));
    }
    if (roles == expected) return {};
    std::string got;
    for (const std::string& role : roles) got += " " + role;
    return wrong("the roles are:" + got);
  }

  Result<void> get(const JsonElement& step) {
    std::string target = fill(std::string(string_at(step, "get")));
    if (!target.starts_with("/v1/")) target.insert(0, "/v1/orgs/" + case_.org);
    const std::string_view issuer = string_at(step, "signed_in");
    if (has(step, "as") && issuer.empty()) {
      target += target.contains('?') ? "&as=" : "?as=";
      target += string_at(step, "as");
    }
    const CaseServer::Answer answer =
        issuer.empty()
            ? TRY(server_->get(case_.org, target))
            : TRY(server_->get_signed_in(case_.org, target, string_at(step, "as"), issuer));
    if (answer.status != number_at(step, "status", 200)) {
      return wrong("answers " + std::to_string(answer.status) + ": " + answer.body);
    }
    for (const bool wanted : {true, false}) {
      const char* const name = wanted ? "with" : "without";
      if (!has(step, name)) continue;
      for (const JsonElement& text : array_at(step, name)) {
        if (answer.body.contains(std::string_view(text)) != wanted) {
          return wrong("answers " + answer.body);
        }
      }
    }
    if (!has(step, "answer")) return {};
    simdjson::dom::parser parser, expected;
    const std::string wanted = fill(json_text(at(step, "answer")));
    if (matches(expected.parse(wanted), parser.parse(answer.body))) return {};
    return wrong("answers " + answer.body);
  }

  Result<void> due(const JsonElement& step) {
    const std::vector<std::string> decisions = TRY(executor_.due_decisions(case_.org));
    std::string got = "[";
    for (size_t i = due_seen_; i < decisions.size(); ++i) {
      got += (i == due_seen_ ? "" : ",") + decisions[i];
    }
    due_seen_ = decisions.size();
    got += "]";
    simdjson::dom::parser parser, expected;
    const std::string wanted = fill(json_text(at(step, "due")));
    if (matches(expected.parse(wanted), parser.parse(got))) return {};
    return wrong("by themselves came " + got);
  }

  Result<void> restart(const JsonElement&) { return server_->restart(); }

  Result<void> move_clock(const JsonElement& step) {
    if (has(step, "time")) {
      return executor_.set_clock(from_micros(TRY(parse_time(string_at(step, "time")))));
    }
    const std::optional<Duration> by = parse_duration(string_at(step, "advance"));
    if (!by) return wrong("needs a number and d, h, m or s");
    return executor_.set_clock(executor_.now() + *by);
  }

  const Case& case_;
  CaseExecutor& executor_;
  CaseServer* const server_;  // null: the domain alone
  size_t skipped_ = 0;
  std::string step_;
  int64_t turn_ = 1;
  int sent_ = 0;
  size_t due_seen_ = 0;  // decisions
  std::map<std::string, std::string> texts_;
  std::set<std::string, std::less<>> ids_;
  std::string last_command_, last_decision_, last_time_;
};

bool moves_clock(const JsonElement& test_case) {
  for (const char* part : {"given", "then"}) {
    for (const JsonElement step : array_at(test_case, part)) {
      if (has(step, "time") || has(step, "advance")) return true;
    }
  }
  return false;
}

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
           .json = json_text(test_case),
           .moves_clock = moves_clock(test_case)});
    }
  }
  return cases;
}

Result<size_t> run_case(const Case& test_case, CaseExecutor& executor) {
  simdjson::dom::parser parser;
  const JsonElement parsed = parser.parse(test_case.json);
  CaseRun run(test_case, executor);
  for (const char* part : {"given", "then"}) {
    for (const JsonElement step : array_at(parsed, part)) TRY(run.run(step));
  }
  return run.skipped();
}

std::string test_name(const Case& test_case) {
  std::string name = test_case.org;
  std::ranges::replace(name, '-', '_');
  return name;
}

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.name; }

}  // namespace tenure
