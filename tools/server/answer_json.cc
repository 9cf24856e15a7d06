#include "tools/server/answer_json.h"

#include <cstring>

#include "engine/json/json_edge.h"
#include "tools/server/api.h"

namespace tenure {
namespace {

void append_undecided(std::string_view outcome, size_t line, std::string_view code,
                      std::string_view message, std::string_view rule, std::string& out) {
  out += R"({"outcome":")";
  out += outcome;
  out += R"(","line":)" + std::to_string(line) + R"(,"rejection":{"code":")";
  out += code;
  out += R"(","message":)";
  append_json_string(message, out);
  out += R"(,"rule":)";
  append_json_string(rule, out);
  out += "}}\n";
}

// The decision's own members follow those of the problem, so one body is read as either.
Response rejected_response(const schema::Rejection& rejection, std::string_view decision_json) {
  Response response{.status = http_status(rejection.code()),
                    .content_type = "application/problem+json"};
  append_problem_members(response.status, schema::EnumNameRejectionCode(rejection.code()),
                         rejection.message()->string_view(), response.body);
  response.body += R"(,"rule":)";
  append_json_string(rejection.rule()->string_view(), response.body);
  response.body += ',';
  response.body += decision_json.substr(1);
  return response;
}

}  // namespace

KeptAnswer::KeptAnswer(const Answer& answer)
    : kind(answer.kind),
      position(answer.position),
      message(answer.message),
      words_((answer.decision.size() + 7) / 8),
      size_(answer.decision.size()) {
  if (size_ > 0) std::memcpy(words_.data(), answer.decision.data(), size_);
}

const schema::Decision* KeptAnswer::root() const {
  bool decided = kind == Answer::Kind::kDecided || kind == Answer::Kind::kDuplicate;
  return decided ? flatbuffers::GetRoot<schema::Decision>(words_.data()) : nullptr;
}

std::string_view undecided_code(Answer::Kind kind) {
  return kind == Answer::Kind::kIdempotencyMismatch ? "idempotency_mismatch" : "unavailable";
}

Response to_response(const KeptAnswer& answer) {
  const schema::Decision* decision = answer.root();
  if (decision == nullptr) {
    int status = answer.kind == Answer::Kind::kIdempotencyMismatch ? 409 : 503;
    return problem(status, undecided_code(answer.kind), answer.message);
  }
  std::string position = format_position(answer.position);
  std::string json;
  write_decision_json(position, answer.decision(), json);
  Response response = decision->rejection() == nullptr
                          ? Response{.body = std::move(json)}
                          : rejected_response(*decision->rejection(), json);
  response.headers.emplace_back(kPositionHeader, std::move(position));
  if (answer.kind == Answer::Kind::kDuplicate) {
    response.headers.emplace_back("Idempotent-Replayed", "true");
  }
  return response;
}

Response to_response(const Rejection& rejection) {
  Response response = problem(http_status(rejection.code),
                              schema::EnumNameRejectionCode(rejection.code), rejection.message);
  return response;
}

void append_line(const KeptAnswer& answer, size_t line, std::string& out) {
  if (answer.root() != nullptr) {
    write_decision_json(format_position(answer.position), answer.decision(), out);
    out += '\n';
    return;
  }
  bool mismatch = answer.kind == Answer::Kind::kIdempotencyMismatch;
  append_undecided(mismatch ? "rejected" : "unavailable", line, undecided_code(answer.kind),
                   answer.message, "nothing was recorded for this command", out);
}

void append_line(const Rejection& rejection, size_t line, std::string& out) {
  append_undecided("rejected", line, schema::EnumNameRejectionCode(rejection.code),
                   rejection.message, rejection.rule, out);
}

}  // namespace tenure
