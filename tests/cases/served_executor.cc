#include "tests/cases/served_executor.h"

#include <fmt/format.h>

#include <latch>
#include <thread>
#include <utility>

#include "engine/json/json_edge.h"
#include "tests/cases/json_access.h"

namespace tenure::test {
namespace {

// Ends a test that hangs.
constexpr std::chrono::seconds kPatience{90};

std::unexpected<Error> unexpected_answer(std::string_view target, int status,
                                         std::string_view body) {
  return fail(ErrorKind::kInvalid, fmt::format("{} answers {}: {}", target, status, body));
}

// Of one partition; empty is before all.
bool is_before(std::string_view a, std::string_view b) {
  return std::pair(a.size(), a) < std::pair(b.size(), b);
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

}  // namespace

Result<std::vector<std::string>> ServedExecutor::submit(const std::vector<std::string>& commands) {
  std::vector<Result<std::string>> answers(commands.size());
  {
    std::latch start(static_cast<ptrdiff_t>(commands.size()));
    std::vector<std::jthread> senders;
    for (size_t i = 0; i < commands.size(); ++i) {
      senders.emplace_back([&, i] {
        start.arrive_and_wait();
        answers[i] = submit_one(engine_.client(), commands[i]);
      });
    }
  }
  std::vector<std::string> decisions;
  for (Result<std::string>& answer : answers) {
    decisions.push_back(TRY(std::move(answer)));
    note(decisions.back());
  }
  return decisions;
}

void ServedExecutor::note(const std::string& decision) {
  simdjson::dom::parser parser;
  const JsonElement parsed = parser.parse(decision);
  std::string& last = positions_[std::string(string_at(parsed, "org"))];
  const std::string_view position = string_at(parsed, "position");
  if (is_before(last, position)) last = position;  // a repeated answer has an old one
}

Result<std::string> ServedExecutor::submit_signed_in(const std::string& command,
                                                     std::string_view issuer) {
  simdjson::dom::parser parser;
  std::string_view user = string_at(parser.parse(command), "actor");
  user.remove_prefix(std::string_view("user:").size());
  std::string decision = TRY(submit_one(engine_.client_of(user, issuer), command));
  note(decision);
  return decision;
}

// Again while it is told to, as every client must.
Result<std::string> ServedExecutor::submit_one(const ApiClient& client,
                                               const std::string& command) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    HttpAnswer answer = TRY(client.post("/v1/commands", "application/x-ndjson", command + "\n"));
    if (answer.status != 200 || !answer.body.ends_with('\n')) {
      return unexpected_answer("/v1/commands", answer.status, answer.body);
    }
    answer.body.pop_back();
    const bool unavailable = answer.body.starts_with(R"({"outcome":"unavailable")");
    if (!unavailable) return std::move(answer.body);
    if (std::chrono::steady_clock::now() > deadline) {
      return unexpected_answer("/v1/commands", answer.status, answer.body);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// With the token of the last decision, unless the target names one itself.
std::string ServedExecutor::fresh(std::string_view org, std::string target) const {
  const auto last = positions_.find(org);
  if (last == positions_.end() || last->second.empty() || target.contains("at_least="))
    return target;
  target += target.contains('?') ? "&at_least=" : "?at_least=";
  return target + last->second;
}

Result<bool> ServedExecutor::is_allowed(std::string_view org, std::string_view user,
                                        std::string_view action, std::string_view space) {
  std::string question =
      fmt::format(R"({{"org":{},"user":{},"action":{})", quoted(org), quoted(user), quoted(action));
  if (!space.empty()) question += R"(,"space":)" + quoted(space);
  const HttpAnswer answer =
      TRY(engine_.client().post(fresh(org, "/v1/check"), "application/json", question + "}"));
  if (answer.status != 200) return unexpected_answer("/v1/check", answer.status, answer.body);
  simdjson::dom::parser parser;
  return bool(at(parser.parse(answer.body), "allowed"));
}

Result<std::vector<std::string>> ServedExecutor::assignable_roles(std::string_view org,
                                                                  std::string_view actor,
                                                                  std::string_view target) {
  std::string path = fmt::format("/v1/orgs/{}/assignable-roles?actor={}", org, actor);
  if (!target.empty()) path += fmt::format("&target={}", target);
  const Answer answer = TRY(get(org, path));
  if (answer.status != 200) return unexpected_answer(path, answer.status, answer.body);
  simdjson::dom::parser parser;
  std::vector<std::string> roles;
  for (const JsonElement role : array_at(parser.parse(answer.body), "roles")) {
    roles.emplace_back(std::string_view(role));
  }
  return roles;
}

Result<std::vector<std::string>> ServedExecutor::due_decisions(std::string_view org) {
  const std::string path = fmt::format("/v1/orgs/{}/history?entity=system&limit=5000", org);
  const Answer answer = TRY(get(org, path));
  if (answer.status != 200) return unexpected_answer(path, answer.status, answer.body);
  simdjson::dom::parser parser;
  std::vector<std::string> decisions;
  for (const JsonElement decision : array_at(parser.parse(answer.body), "decisions")) {
    decisions.push_back(json_text(decision));
  }
  return decisions;
}

Result<CaseServer::Answer> ServedExecutor::get(std::string_view org, std::string_view target) {
  HttpAnswer answer = TRY(engine_.client().get(fresh(org, std::string(target))));
  return Answer{answer.status, std::move(answer.body)};
}

Result<CaseServer::Answer> ServedExecutor::get_signed_in(std::string_view org,
                                                         std::string_view target,
                                                         std::string_view user,
                                                         std::string_view issuer) {
  HttpAnswer answer = TRY(engine_.client_of(user, issuer).get(fresh(org, std::string(target))));
  return Answer{answer.status, std::move(answer.body)};
}

}  // namespace tenure::test
