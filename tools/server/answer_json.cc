#include "tools/server/answer_json.h"

#include <cstring>

#include "engine/base/check.h"
#include "engine/domain/rejections.h"
#include "tools/server/api.h"

namespace tenure {
namespace {

// Beside the decision on the command that made the key: shown now and never again.
void append_secret(const KeptAnswer& answer, std::string& json) {
  if (answer.secret.empty()) return;
  json.pop_back();
  json += R"(,"secret":)";
  append_json_string(answer.secret, json);
  json += '}';
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

KeptAnswer::KeptAnswer(const Answer& answer, std::string secret)
    : kind(answer.kind),
      position(answer.position),
      message(answer.message),
      words_((answer.decision.size() + 7) / 8),
      size_(answer.decision.size()) {
  if (size_ > 0) std::memcpy(words_.data(), answer.decision.data(), size_);
  // A retry made another secret, which is nobody's key.
  const bool made = !secret.empty() && kind == Answer::Kind::kDecided &&
                    root()->outcome() == schema::Outcome::accepted;
  if (made) this->secret = std::move(secret);
}

const schema::Decision* KeptAnswer::root() const {
  bool decided = kind == Answer::Kind::kDecided || kind == Answer::Kind::kDuplicate;
  return decided ? flatbuffers::GetRoot<schema::Decision>(words_.data()) : nullptr;
}

Undecided KeptAnswer::undecided() const {
  CHECK(root() == nullptr);
  if (kind == Answer::Kind::kIdempotencyMismatch) return {409, "idempotency_mismatch", message};
  return {503, "unavailable", message};
}

Response to_response(const KeptAnswer& answer, const Unsealer& unsealer) {
  const schema::Decision* decision = answer.root();
  if (decision == nullptr) return to_response(answer.undecided());
  std::string position = format_position(answer.position);
  std::string json;
  write_decision_json(position, answer.decision(), json, &unsealer);
  append_secret(answer, json);
  Response response = decision->rejection() == nullptr
                          ? Response{.body = std::move(json)}
                          : rejected_response(*decision->rejection(), json);
  response.headers.emplace_back(kPositionHeader, std::move(position));
  if (answer.kind == Answer::Kind::kDuplicate) {
    response.headers.emplace_back("Idempotent-Replayed", "true");
  }
  return response;
}

Response to_response(const Undecided& undecided) {
  return problem(undecided.status, undecided.code, undecided.message);
}

void append_line(const KeptAnswer& answer, size_t line, const Unsealer& unsealer,
                 std::string& out) {
  if (answer.root() == nullptr) return append_line(answer.undecided(), line, out);
  write_decision_json(format_position(answer.position), answer.decision(), out, &unsealer);
  append_secret(answer, out);
  out += '\n';
}

void append_line(const Undecided& undecided, size_t line, std::string& out) {
  const bool unavailable = undecided.status == 503;
  out += unavailable ? R"({"outcome":"unavailable","line":)" : R"({"outcome":"rejected","line":)";
  out += std::to_string(line) + R"(,"rejection":{"code":)";
  append_json_string(undecided.code, out);
  out += R"(,"message":)";
  append_json_string(undecided.message, out);
  // An answer that did not come, or a log that failed, may have left a decision all the same.
  out += unavailable ? R"(,"rule":"the same id gives the one decision, also if it was made"}})"
                     : R"(,"rule":"nothing of this command was recorded"}})";
  out += '\n';
}

}  // namespace tenure
